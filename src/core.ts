import { join } from 'node:path';
import type { Pool } from 'pg';
import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import {
  createPool,
  migrateToLatest,
  openDatabase,
  openEmbeddedPostgres,
  type Db,
  type EmbeddedPostgres,
} from './db/index.ts';
import { openSecretBox, type SecretBox } from './encryption.ts';
import { armFailpoint } from './failpoint.ts';
import type { Logger } from './logger.ts';
import { defaultMerchantId } from './merchants/index.ts';
import type { BuffersContext } from './safety-stock/index.ts';
import {
  closeSourceKinds,
  createOnDemand,
  createSourceKinds,
  type OnDemand,
  type SourceEvents,
  type SourcesContext,
} from './sources/index.ts';
import {
  LevelReader,
  makeLedgerPartitions,
  openWriterPool,
  StockWriter,
  type WriterOptions,
} from './stock/index.ts';

/** What every way of running onhand needs: the database, brought up to date, and the writer. */
export type Core = {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly connectionString: string;
  /** Undefined when DATABASE_URL names the server. */
  readonly embedded: EmbeddedPostgres | undefined;
  readonly migrationsApplied: readonly string[];
  readonly db: Db;
  /** For prepared reads; statements of several callers share its connections. */
  readonly pool: Pool;
  readonly writer: StockWriter;
  readonly levels: LevelReader;
  readonly secretBox: SecretBox;
  /** What reading sources needs, connections of its own for their pages among it. */
  readonly sources: SourcesContext;
  /** Sources that are asked when somebody wants to know. */
  readonly onDemand: OnDemand;
  /** What keeping stock back needs. */
  readonly buffers: BuffersContext;
  close(): Promise<void>;
};

export type CoreOverrides = {
  readonly clock?: Clock;
  readonly onCommitted?: WriterOptions['onCommitted'];
  readonly onBatch?: WriterOptions['onBatch'];
  readonly sourceEvents?: SourceEvents;
};

/** Opens the database (embedded without DATABASE_URL), migrates it, and builds the writer. */
export async function openCore(
  config: Config,
  logger: Logger,
  overrides: CoreOverrides = {},
): Promise<Core> {
  armFailpoint(config.failpoint);
  const clock = overrides.clock ?? systemClock();
  const { concurrency, idempotency } = config.inventorySync;
  const embedded =
    config.database.url === undefined
      ? await openEmbeddedPostgres({
          dataDir: config.dataDir,
          logger,
          ...(config.embeddedPostgresPort === undefined
            ? {}
            : { port: config.embeddedPostgresPort }),
        })
      : undefined;
  const connectionString = config.database.url ?? embedded?.connectionString ?? '';
  try {
    const migrationsApplied = await migrateToLatest(connectionString);
    const secretBox = openSecretBox(config);
    const onIdleError = (error: Error): void => {
      logger.warn({ err: error }, 'a database connection broke');
    };
    const database = openDatabase({ connectionString, onIdleError });
    await makeLedgerPartitions(database.db, clock.offsetMs).catch((error: unknown) => {
      logger.warn({ err: error }, 'the months of the ledger could not be made; a worker will');
    });
    const pool = createPool({ connectionString, poolSize: 4, pipeline: true, onIdleError });
    // A command writes at most two entries of a level.
    const snapshotEvery = Math.ceil(config.ledger.snapshotEveryNEvents / 2);
    const writerPool = openWriterPool(connectionString, concurrency.casTimeoutMs, onIdleError);
    const writer = new StockWriter({
      pool: writerPool,
      clock,
      maxRetries: concurrency.maxRetries,
      timeoutMs: concurrency.casTimeoutMs,
      idempotencyTtlSeconds: idempotency.ttlSeconds,
      snapshotEvery,
      ...(overrides.onCommitted === undefined ? {} : { onCommitted: overrides.onCommitted }),
      ...(overrides.onBatch === undefined ? {} : { onBatch: overrides.onBatch }),
    });
    const pagePool = openWriterPool(connectionString, concurrency.casTimeoutMs, onIdleError);
    const kinds = createSourceKinds({
      allowPrivateAddresses: config.channels.allowPrivateAddresses,
      feedFolderOf: (merchantId) => feedFolderOf(config.dataDir, merchantId),
    });
    const together = {
      pool: pagePool,
      clock,
      maxRetries: concurrency.maxRetries,
      snapshotEvery,
      ...(overrides.onCommitted === undefined ? {} : { onCommitted: overrides.onCommitted }),
    };
    const sources: SourcesContext = {
      db: database.db,
      together,
      kinds,
      secretBox,
      clock,
      settings: config.inventorySync.deltaSync,
      events: overrides.sourceEvents ?? {},
    };
    const { aggregation } = config.inventorySync;
    const stopWatching = watchEmbedded(embedded, logger);
    return {
      config,
      logger,
      clock,
      connectionString,
      embedded,
      migrationsApplied,
      db: database.db,
      pool,
      writer,
      levels: new LevelReader(writerPool, clock),
      secretBox,
      sources,
      onDemand: createOnDemand(sources, {
        timeoutMs: aggregation.parallelFetchTimeoutMs,
        keepSeconds: aggregation.cacheTtlSeconds,
      }),
      buffers: {
        db: database.db,
        together,
        clock,
        settings: config.inventorySync.safetyBuffers,
      },
      async close() {
        stopWatching();
        await writer.close();
        const pools = [writerPool.end(), pagePool.end(), pool.end(), database.close()];
        await Promise.allSettled([...pools, closeSourceKinds(kinds)]);
        await embedded?.close();
      },
    };
  } catch (error) {
    await embedded?.close();
    throw error;
  }
}

/** A merchant's own, by its id as one name in a path; ids are never `.` or `..`. */
function feedFolderOf(dataDir: string, merchantId: string): string {
  if (merchantId === defaultMerchantId) return join(dataDir, 'feeds');
  return join(dataDir, 'merchant-feeds', encodeURIComponent(merchantId));
}

/** Starts an embedded server again when it was killed; requests get 503 meanwhile. */
function watchEmbedded(embedded: EmbeddedPostgres | undefined, logger: Logger): () => void {
  if (embedded === undefined) return () => undefined;
  let checking = false;
  const timer = setInterval(() => {
    if (checking) return;
    checking = true;
    embedded
      .ensureRunning()
      .catch((error: unknown) => logger.error({ err: error }, 'Postgres did not start again'))
      .finally(() => {
        checking = false;
      });
  }, 1_000);
  timer.unref();
  return () => clearInterval(timer);
}

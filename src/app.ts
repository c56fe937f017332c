import { readFileSync } from 'node:fs';
import {
  checkKinds,
  closeAdapters,
  countDeadLetters,
  createAdapters,
  ListingIndex,
  type Adapters,
} from './channels/index.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { openCore, type Core } from './core.ts';
import { pendingMigrations } from './db/index.ts';
import { hashKey } from './encryption.ts';
import { startHttpServer } from './http/index.ts';
import { countInbox, countQuestions, type InboxContext } from './inbox/index.ts';
import {
  channelLabel,
  reportEvents,
  reportReconciliation,
  startJobs,
  type Jobs,
} from './jobs/index.ts';
import type { Logger } from './logger.ts';
import { ensureAdminKey } from './merchants/index.ts';
import { createMetrics, type Metrics } from './monitoring/index.ts';
import { countMessages } from './outbox/index.ts';
import { measureDrifts } from './reconciliation/index.ts';
import { expireReservations } from './reservations/index.ts';
import { countQuarantined, type SourceEvents, type SourceName } from './sources/index.ts';
import { countOversold } from './stock/index.ts';

export type AppOptions = {
  /** Answer requests. */
  readonly http: boolean;
  /** Deliver, sweep and keep house. */
  readonly workers: boolean;
  readonly clock?: Clock;
};

export type App = {
  readonly core: Core;
  readonly jobs: Jobs;
  /** Where it listens; undefined without HTTP. */
  readonly url: string | undefined;
  /** The instance's admin key, on the start that made it: shown once, stored only as a hash. */
  readonly newAdminKey: string | undefined;
  /**
   * Finishes what is under way, within the configured time, and lets everything go.
   * @returns whether every request that was begun is answered
   */
  stop(): Promise<boolean>;
};

const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string };

/** The whole program, wired: database, writer, jobs, HTTP, in this order. */
export async function startApp(config: Config, logger: Logger, options: AppOptions): Promise<App> {
  const metrics = createMetrics();
  const adapters = createAdapters(config.channels);
  checkKinds(adapters, config.inventorySync.channels);
  let jobs: Jobs | undefined;
  const core = await openCore(config, logger, {
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    onBatch: (report) => metrics.recordBatch(report),
    onCommitted: () => jobs?.wakeRelay(),
    sourceEvents: sourceEvents(metrics, logger),
  });
  try {
    const parts = { config, logger, options, metrics, adapters };
    return await startOn(core, parts, (started) => (jobs = started));
  } catch (error) {
    // Nothing of a failed start stays behind, its own Postgres least of all.
    await jobs?.stop(1_000);
    await closeAdapters(adapters);
    await core.close();
    throw error;
  }
}

type Parts = {
  readonly config: Config;
  readonly logger: Logger;
  readonly options: AppOptions;
  readonly metrics: Metrics;
  readonly adapters: Adapters;
};

/** @param began is told the jobs as soon as they run: the writer wakes them */
async function startOn(
  core: Core,
  { config, logger, options, metrics, adapters }: Parts,
  began: (jobs: Jobs) => void,
): Promise<App> {
  const startedAt = new Date();
  const { db, pool, writer, levels, clock, secretBox, connectionString } = core;
  const newAdminKey = config.adminApiKey === undefined ? await ensureAdminKey(db) : undefined;
  const inbox: InboxContext = {
    db,
    together: core.sources.together,
    adapters,
    listings: new ListingIndex(db),
    secretBox,
    clock,
  };
  const { propagation, reconciliation, reservations, strategy, pollIntervalSeconds } =
    config.inventorySync;
  const { server } = config;
  const startedJobs = await startJobs({
    connectionString,
    adapters,
    secretBox,
    clock,
    logger,
    retry: {
      baseMs: propagation.backoffBaseMs,
      maxMs: propagation.backoffMaxMs,
      multiplier: propagation.backoffMultiplier,
      maxAttempts: propagation.maxAttempts,
      deadLetters: propagation.dlqEnabled,
    },
    events: reportEvents(metrics, logger),
    breaker: { threshold: server.breakerThreshold, cooldownMs: server.breakerCooldownMs },
    batchWindowMs: propagation.batchWindowMs,
    pollIntervalMs: strategy === 'polling' ? pollIntervalSeconds * 1_000 : null,
    lagAlertMs: propagation.alertThresholdMs,
    workers: options.workers,
    isBusy: () => writer.isBusy,
    inbox,
    sources: core.sources,
    buffers: core.buffers,
    sourceConcurrency: config.server.concurrencySync,
    reconciliation: { ...reconciliation, events: reportReconciliation(metrics, logger) },
    ...(reservations.autoReleaseEnabled
      ? { expireReservations: () => expireReservations(db, writer, clock) }
      : {}),
  });
  began(startedJobs);
  metrics.watch({
    writerQueue: () => writer.queueLength,
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    outboxDepth: () => countMessages(db),
    deadLetters: () => countDeadLetters(db),
    oversoldLevels: () => countOversold(db, clock.offsetMs),
    quarantinedItems: () => countQuarantined(db),
    waitingWebhooks: async () => (await countInbox(db)).waiting,
    oldestWebhookSeconds: async () => (await countInbox(db)).oldestSeconds,
    poisonWebhooks: async () => (await countInbox(db)).poison,
    openQuestions: () => countQuestions(db),
    drift: () => measureDrifts(db),
    breakers: () => startedJobs.circuits(),
    channels: () => startedJobs.states(),
    bulkheads: () => startedJobs.bulkheads(),
  });
  const { adminApiKey } = config;
  const services = {
    config,
    db,
    pool,
    writer,
    levels,
    clock,
    logger,
    secretBox,
    metrics,
    adapters,
    wakeChannels: () => startedJobs.wakeChannels(),
    sources: core.sources,
    wakeSources: () => startedJobs.wakeSources(),
    onDemand: core.onDemand,
    buffers: core.buffers,
    wakeBuffers: () => startedJobs.wakeBuffers(),
    inbox,
    wakeInbox: () => startedJobs.wakeInbox(),
    wakeReconciliation: () => startedJobs.wakeReconciliation(),
    adminKeyHash: adminApiKey === undefined ? undefined : hashKey(adminApiKey),
    startedAt,
    version,
    readiness: [
      { name: 'database', isReady: async () => (await pool.query('select 1')).rowCount === 1 },
      { name: 'migrations', isReady: async () => (await pendingMigrations(db)).length === 0 },
      { name: 'workers', isReady: () => Promise.resolve(startedJobs.isReady()) },
    ],
    dashboard: { connectionString, schema: startedJobs.schema },
  };
  const http = options.http ? await startHttpServer(services, config.server) : undefined;
  return {
    core,
    jobs: startedJobs,
    url: http?.url,
    newAdminKey,
    async stop() {
      const isWhole = await http?.close(config.server.shutdownTimeoutMs);
      await startedJobs.stop(config.server.shutdownTimeoutMs);
      await closeAdapters(adapters);
      await core.close();
      return isWhole ?? true;
    },
  };
}

function labelOfSource({ merchantId, sourceId }: SourceName): string {
  return channelLabel({ merchantId, channelId: sourceId });
}

/** What sources were read, as metrics; what somebody has to look at, as log lines. */
function sourceEvents(metrics: Metrics, logger: Logger): SourceEvents {
  return {
    onRun(event) {
      metrics.countSourceRun(labelOfSource(event), event.status, event.counts);
      if (event.status === 'failed') logger.warn(event, 'a source could not be read to its end');
    },
    onRefused: (event) => {
      metrics.countSourceRefusals(labelOfSource(event), event.code, event.items);
    },
    onAlert(alert) {
      metrics.countSourceAlert(labelOfSource(alert), alert.kind);
      logger.error(alert, 'a source says something suspicious: approve or refuse it');
    },
  };
}

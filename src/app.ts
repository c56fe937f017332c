import { readFileSync } from 'node:fs';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { openCore, type Core } from './core.ts';
import { pendingMigrations } from './db/index.ts';
import { hashKey } from './encryption.ts';
import { startHttpServer } from './http/index.ts';
import type { Logger } from './logger.ts';
import { ensureAdminKey } from './merchants/index.ts';
import { createMetrics } from './monitoring/index.ts';

export type AppOptions = {
  /** Answer requests. */
  readonly http: boolean;
  /** Deliver, sweep and keep house. */
  readonly workers: boolean;
  readonly clock?: Clock;
};

export type App = {
  readonly core: Core;
  /** Where it listens; undefined without HTTP. */
  readonly url: string | undefined;
  /** The instance's admin key, on the start that made it: shown once, stored only as a hash. */
  readonly newAdminKey: string | undefined;
  /** Finishes what is under way, within the configured time, and lets everything go. */
  stop(): Promise<void>;
};

const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string };

/** The whole program, wired: database, writer, jobs, HTTP, in this order. */
export async function startApp(config: Config, logger: Logger, options: AppOptions): Promise<App> {
  const startedAt = new Date();
  const metrics = createMetrics();
  const core = await openCore(config, logger, {
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    onBatch: metrics.recordBatch,
  });
  const { db, pool, writer, levels, clock, secretBox, connectionString } = core;
  const newAdminKey = config.adminApiKey === undefined ? await ensureAdminKey(db) : undefined;
  metrics.watch({
    writerQueue: () => writer.queueLength,
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
  });
  const http = options.http
    ? await startHttpServer(
        {
          config,
          db,
          pool,
          writer,
          levels,
          clock,
          logger,
          secretBox,
          metrics,
          adminKeyHash: config.adminApiKey === undefined ? undefined : hashKey(config.adminApiKey),
          startedAt,
          version,
          readiness: [
            {
              name: 'database',
              isReady: async () => (await pool.query('select 1')).rowCount === 1,
            },
            { name: 'migrations', isReady: async () => (await pendingMigrations(db)).length === 0 },
          ],
          dashboard: { connectionString, schema: 'pgboss' },
        },
        config.server,
      )
    : undefined;
  return {
    core,
    url: http?.url,
    newAdminKey,
    async stop() {
      await http?.close(config.server.shutdownTimeoutMs);
      await core.close();
    },
  };
}

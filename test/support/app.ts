import { randomBytes } from 'node:crypto';
import { createLogger } from '../../src/logger.ts';
import type { Clock } from '../../src/clock.ts';
import { loadConfig } from '../../src/config.ts';
import { countDeadLetters, createAdapters, ListingIndex } from '../../src/channels/index.ts';
import { openCore, type Core } from '../../src/core.ts';
import { pendingMigrations } from '../../src/db/index.ts';
import { hashKey } from '../../src/encryption.ts';
import type { Services } from '../../src/http/context.ts';
import { startHttpServer, type HttpFace } from '../../src/http/server.ts';
import { createMetrics } from '../../src/monitoring/index.ts';
import { countMessages } from '../../src/outbox/index.ts';
import { countOversold } from '../../src/stock/index.ts';
import { apiClient, type ApiClient } from './api-client.ts';
import { createTestDatabase } from './database.ts';

export const adminKey = 'test-admin-key';

export type TestApp = ApiClient & {
  readonly url: string;
  readonly core: Core;
  readonly services: Services;
  readonly face: HttpFace;
  /** Every line that was logged, parsed. */
  logLines(): readonly Record<string, unknown>[];
  close(): Promise<void>;
};

export type AppOverrides = {
  /** Settings by their environment variables. */
  readonly env?: Record<string, string>;
  readonly clock?: Clock;
  /** Another way to the database: a proxy in front of it. */
  readonly through?: (connectionString: string) => Promise<string>;
  readonly services?: Partial<Services>;
};

/** The API over real HTTP on a database of its own, with the store `main`. */
export async function startTestApp(overrides: AppOverrides = {}): Promise<TestApp> {
  const database = await createTestDatabase();
  const url = (await overrides.through?.(database.connectionString)) ?? database.connectionString;
  const config = loadConfig({
    env: {
      NODE_ENV: 'test',
      DATABASE_URL: url,
      ADMIN_API_KEY: adminKey,
      ENCRYPTION_KEY: randomBytes(32).toString('hex'),
      RATE_LIMIT_RPS: '0',
      ...overrides.env,
    },
    cwd: import.meta.dirname,
  });
  let log = '';
  const logger = createLogger('info', { write: (line) => (log += line) });
  const metrics = createMetrics();
  const core = await openCore(config, logger, {
    onBatch: (report) => metrics.recordBatch(report),
    ...(overrides.clock === undefined ? {} : { clock: overrides.clock }),
  });
  const adapters = createAdapters({ allowPrivateAddresses: true });
  const services: Services = {
    ...core,
    metrics,
    wakeChannels: () => undefined,
    wakeSources: () => undefined,
    wakeBuffers: () => undefined,
    wakeInbox: () => undefined,
    inbox: {
      db: core.db,
      together: core.sources.together,
      adapters,
      listings: new ListingIndex(core.db),
      secretBox: core.secretBox,
      clock: core.clock,
    },
    adapters,
    adminKeyHash: hashKey(adminKey),
    startedAt: new Date(),
    version: '0.0.0-test',
    readiness: [
      {
        name: 'migrations',
        isReady: async () => (await pendingMigrations(core.db)).length === 0,
      },
    ],
    ...overrides.services,
  };
  metrics.watch({
    writerQueue: () => core.writer.queueLength,
    oversoldLevels: () => countOversold(core.db, core.clock.offsetMs),
    deadLetters: () => countDeadLetters(core.db),
    outboxDepth: () => countMessages(core.db),
  });
  const face = await startHttpServer(services, { host: '127.0.0.1', port: 0 });
  const client = apiClient(face.url, adminKey);
  await client.call('PUT', '/api/stores/main');
  return {
    ...client,
    url: face.url,
    core,
    services,
    face,
    logLines: () =>
      log
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    async close() {
      await face.close(2_000);
      await core.close();
      await database.drop();
    },
  };
}

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';
import { isUsedByOthers } from '../src/db/embedded/process-registry.ts';
import { UsageError } from '../src/errors.ts';
import { createLogger } from '../src/logger.ts';

const host = '127.0.0.1';

export type DemoService = {
  readonly url: string;
  readonly adminKey: string;
  /** Where its log lines go. */
  readonly logFile: string;
  stop(): Promise<void>;
};

/**
 * Starts the service as `npm start` does, with a Postgres of its own, in the demonstration's
 * folder. Settings of whoever starts it do not count: every run is like the others.
 * Throws a UsageError when the folder or the port is somebody else's just now.
 */
export async function startService(options: {
  readonly folder: string;
  readonly port: number;
  /** Begin with an empty folder. */
  readonly isFresh: boolean;
}): Promise<DemoService> {
  const { folder, port } = options;
  if (await isUsedByOthers(join(folder, 'processes'))) {
    throw new UsageError(`another demonstration runs on ${folder}: end it, or name another folder`);
  }
  await refuseTakenPort(port);
  if (options.isFresh) await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const adminKey = `demo_${randomBytes(12).toString('hex')}`;
  const config = loadConfig({
    cwd: folder,
    env: {
      DATA_DIR: folder,
      HOST: host,
      PORT: String(port),
      ADMIN_API_KEY: adminKey,
      // All orders come with one key.
      RATE_LIMIT_RPS: '0',
      // A vendor that is well again is seen to be so while one watches.
      BREAKER_COOLDOWN_MS: '5000',
    },
  });
  const logFile = join(folder, 'service.log');
  const log = createWriteStream(logFile);
  const app = await startApp(config, createLogger('info', log), { http: true, workers: true });
  return {
    url: app.url ?? '',
    adminKey,
    logFile,
    async stop() {
      await app.stop();
      log.end();
      await once(log, 'close');
    },
  };
}

/** Asked before anything is started. */
async function refuseTakenPort(port: number): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    throw new UsageError(`port ${port} is taken: --port 0 takes any that is free`, { cause });
  }
  server.close();
  await once(server, 'close');
}

import { spawnSync } from 'node:child_process';
import { openEmbeddedPostgres } from '../../src/db/embedded/index.ts';
import { createLogger } from '../../src/logger.ts';
import { createDataDir, removeForgottenDataDirs } from './data-dir.ts';

/** The Postgres that a test run works on. */
export type TestServer = { readonly adminUrl: string; stop(): Promise<void> };

/**
 * The Postgres of TEST_DATABASE_URL, else one in a container where a Docker engine answers, else
 * the embedded one.
 */
export async function startTestServer(): Promise<TestServer> {
  const adminUrl = process.env['TEST_DATABASE_URL'];
  if (adminUrl !== undefined && adminUrl !== '') {
    return { adminUrl, stop: () => Promise.resolve() };
  }
  return dockerAnswers() ? await startContainer() : await startEmbedded();
}

function dockerAnswers(): boolean {
  return spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 2_000 }).status === 0;
}

async function startContainer(): Promise<TestServer> {
  // Loaded only here: the library is large and looks for an engine when it is imported.
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
  const container = await new PostgreSqlContainer('postgres:18')
    .withCommand(['postgres', '-c', 'max_connections=200', '-c', 'timezone=UTC'])
    .start();
  return {
    adminUrl: container.getConnectionUri(),
    stop: async () => {
      await container.stop();
    },
  };
}

async function startEmbedded(): Promise<TestServer> {
  await removeForgottenDataDirs();
  const dataDir = await createDataDir();
  const postgres = await openEmbeddedPostgres({
    dataDir: dataDir.path,
    logger: createLogger('silent'),
    extraSettings: { shared_buffers: '128MB', max_wal_size: '1GB' },
  });
  return {
    adminUrl: postgres.connectionString,
    stop: async () => {
      await postgres.close();
      await dataDir.remove();
    },
  };
}

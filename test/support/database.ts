import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';

export type TestDatabase = {
  readonly connectionString: string;
  /** Drops it, whoever is still connected. */
  drop(): Promise<void>;
};

/**
 * A migrated, empty database of its own for a test file: a clone of the run's template, some 50 ms.
 * What is not dropped is dropped at the end of the run.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  return await createDatabase(`template ${inject('testDatabases').template}`);
}

/**
 * A database without any tables, for what is about migrating one.
 * @param options of `create database`
 */
export async function createBlankDatabase(options = ''): Promise<TestDatabase> {
  return await createDatabase(options);
}

async function createDatabase(options: string): Promise<TestDatabase> {
  const { adminUrl, prefix } = inject('testDatabases');
  const name = `${prefix}_${randomBytes(4).toString('hex')}`;
  await runOnServer(adminUrl, `create database ${name} ${options}`);
  return {
    connectionString: urlOfDatabase(adminUrl, name),
    drop: async () => {
      await runOnServer(adminUrl, `drop database if exists ${name} with (force)`);
    },
  };
}

/** The connection string of another database of the same server. */
export function urlOfDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Runs one statement on a connection of its own. */
export async function runOnServer(
  connectionString: string,
  statement: string,
): Promise<readonly Record<string, string>[]> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 30_000 });
  // The statement fails too; without a listener a lost connection ends the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, string>>(statement)).rows;
  } finally {
    await client.end();
  }
}

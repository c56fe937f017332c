import { Client } from 'pg';
import { sqlStateOf } from '../../errors.ts';
import { embeddedName } from './initialise-cluster.ts';

/** A connection string for the embedded server. */
export function connectionStringFor(port: number, password: string, database: string): string {
  return `postgresql://${embeddedName}:${password}@127.0.0.1:${port}/${database}`;
}

/** Creates the database on the first start, and on the next one when a kill came between. */
export async function ensureDatabase(port: number, password: string): Promise<void> {
  const client = newClient(connectionStringFor(port, password, embeddedName));
  try {
    await client.connect();
  } catch (error) {
    if (sqlStateOf(error) !== '3D000') throw error;
    await createDatabase(connectionStringFor(port, password, 'postgres'));
  } finally {
    await client.end();
  }
}

async function createDatabase(connectionString: string): Promise<void> {
  const client = newClient(connectionString);
  await client.connect();
  try {
    await client.query(`create database ${embeddedName}`);
  } finally {
    await client.end();
  }
}

function newClient(connectionString: string): Client {
  const client = new Client({ connectionString, connectionTimeoutMillis: 30_000 });
  // The call that is under way fails too; without a listener a lost connection ends the process.
  client.on('error', () => undefined);
  return client;
}

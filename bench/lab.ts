import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { openEmbeddedPostgres } from '../src/db/index.ts';
import { createLogger } from '../src/logger.ts';
import { createDataDir, removeForgottenDataDirs } from '../test/support/data-dir.ts';
import type { Options, Scale } from './options.ts';
import { endAll } from './processes.ts';
import { findTools, type Tools } from './tools.ts';

/** Where everything of one run lives: a folder, one Postgres, and the load generators. */
export type Lab = {
  readonly scale: Scale;
  readonly tools: Tools;
  /** Removed at the end, with all that is in it. */
  readonly folder: string;
  /** `PostgreSQL 18.x`, from the server itself. */
  readonly postgresVersion: string;
  /** The server's first process, which starts all others. */
  readonly postmasterPid: number;
  /** Makes an empty database and returns its connection string. */
  createDatabase(name: string): Promise<string>;
  dropDatabase(name: string): Promise<void>;
  /** Tells the person who waits what happens. */
  say(line: string): void;
  /** Ends every process that was started, stops Postgres and removes the folder. */
  close(): Promise<void>;
};

/** Starts Postgres as the service does, with the service's own settings. */
export async function openLab(options: Options): Promise<Lab> {
  await removeForgottenDataDirs();
  const tools = await findTools(options.withoutTools);
  const folder = await createDataDir();
  const logger = createLogger('silent');
  const postgres = await openEmbeddedPostgres({ dataDir: folder.path, logger }).catch(
    async (error: unknown) => {
      await folder.remove();
      throw error;
    },
  );
  const admin = new URL(postgres.connectionString);
  admin.pathname = '/postgres';
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await endAll();
    await postgres.close();
    await folder.remove();
  };
  await ageLog(admin.href, options.scale.logFiles).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    scale: options.scale,
    tools,
    folder: folder.path,
    postmasterPid: await readPostmasterPid(folder.path),
    postgresVersion: await versionOf(admin.href),
    async createDatabase(name) {
      await query(admin.href, `create database ${name}`);
      const url = new URL(admin);
      url.pathname = `/${name}`;
      return url.href;
    },
    async dropDatabase(name) {
      await query(admin.href, `drop database ${name} with (force)`);
    },
    say: (line) => void process.stderr.write(`${line}\n`),
    close: () => (closing ??= close()),
  };
}

/**
 * Fills so many files of the server's log and lets it have them back. A new server makes each of
 * these files while a commit waits, and it is by chance whom that hits; one that has been running
 * takes those that it has done with.
 */
async function ageLog(connectionString: string, files: number): Promise<void> {
  const fill = `do $$ begin
    for file in 1..${files} loop
      perform pg_logical_emit_message(false, 'bench', '', true), pg_switch_wal();
    end loop;
  end $$`;
  await query(connectionString, `${fill}; checkpoint`);
}

/** Runs one statement, or several without parameters, on a connection of its own. */
export async function query<Row>(
  connectionString: string,
  text: string,
  values?: readonly unknown[],
): Promise<Row[]> {
  const client = new Client({ connectionString });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const result = await client.query(text, values === undefined ? undefined : [...values]);
    return result.rows as Row[];
  } finally {
    await client.end();
  }
}

async function readPostmasterPid(dataDir: string): Promise<number> {
  const text = await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8');
  return Number.parseInt(text, 10);
}

async function versionOf(connectionString: string): Promise<string> {
  const [row] = await query<{ version: string }>(connectionString, 'select version()');
  return /^PostgreSQL [\d.]+/.exec(row?.version ?? '')?.[0] ?? 'PostgreSQL';
}

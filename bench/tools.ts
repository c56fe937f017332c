import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './processes.ts';

/** The load generators of this machine. Undefined where the slower stand-in has to do. */
export type Tools = {
  readonly wrk: string | undefined;
  /** Starts wrk as batch work, which does not push others aside. Undefined: not to be had. */
  readonly chrt: string | undefined;
  readonly pgbench: string | undefined;
  /** What measures, with versions, for the report. */
  readonly http: string;
  readonly sql: string;
};

/** Debian keeps the programs of each major version apart; the newest comes first. */
const postgresFolders = [18, 17, 16, 15, 14].map((major) => `/usr/lib/postgresql/${major}/bin`);

/** Finds wrk and pgbench on the PATH, and pgbench where Debian puts it. */
export async function findTools(withoutTools: boolean): Promise<Tools> {
  const path = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  const wrk = withoutTools ? undefined : find('wrk', path);
  const pgbench = withoutTools ? undefined : find('pgbench', [...path, ...postgresFolders]);
  return {
    wrk,
    chrt: find('chrt', path),
    pgbench,
    http: wrk === undefined ? 'autocannon' : await versionOf(wrk, ['--version']),
    sql: pgbench === undefined ? 'a loop over pg connections' : await versionOf(pgbench, ['-V']),
  };
}

function find(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

async function versionOf(program: string, args: readonly string[]): Promise<string> {
  // wrk prints its version and then fails, because it was given no URL.
  const output = await run({ program, args }).catch((error: Error) => error.message);
  return /(?:wrk [^\s\]]*[\d.]+|pgbench \([^)]*\) [\d.]+)/.exec(output)?.[0] ?? program;
}

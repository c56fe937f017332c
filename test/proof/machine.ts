import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { createPool } from '../../src/db/index.ts';

/** What the figures of a run depend on. */
export async function describeMachine(databaseUrl: string): Promise<Record<string, string>> {
  const pool = createPool({ connectionString: databaseUrl, poolSize: 1 });
  const { rows } = await pool.query<{ server_version: string }>('show server_version');
  await pool.end();
  const processors = cpus();
  return {
    commit: commitOf(),
    processor: `${processors[0]?.model ?? 'unknown'}, ${processors.length} cores`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    node: process.version,
    postgres: rows[0]?.server_version ?? 'unknown',
  };
}

function commitOf(): string {
  try {
    const options = { cwd: import.meta.dirname, encoding: 'utf8' } as const;
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], options).trim();
  } catch {
    return 'unknown';
  }
}

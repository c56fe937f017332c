import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import { run } from '../processes.ts';
import type { Lab } from '../lab.ts';

/** What a result cannot be judged without. */
export type Machine = {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  /** Processes that wanted to run in the minute before the start: 0 on a quiet machine. */
  readonly loadBefore: number;
  readonly node: string;
  readonly postgres: string;
  readonly http: string;
  readonly sql: string;
  /** The commit that was measured; `+` when files had been changed since. */
  readonly commit: string;
};

/** @param loadBefore from `readLoad`, before anything was started */
export async function describeMachine(lab: Lab, loadBefore: number): Promise<Machine> {
  const cores = cpus();
  return {
    processor: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    loadBefore,
    node: process.version,
    postgres: lab.postgresVersion,
    http: lab.tools.http,
    sql: lab.tools.sql,
    commit: await readCommit(),
  };
}

/** How busy the machine is with other things. */
export function readLoad(): number {
  return loadavg()[0] ?? 0;
}

async function readCommit(): Promise<string> {
  try {
    const changed = await git('status', '--porcelain', '--', '../src', '../sql', '../migrations');
    return `${await git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}

async function git(...args: string[]): Promise<string> {
  return (await run({ program: 'git', args, cwd: import.meta.dirname })).trim();
}

import { readFile } from 'node:fs/promises';
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
  /** What the disk alone takes, from `describeDisk`. */
  readonly disk: string;
  readonly http: string;
  readonly sql: string;
  /** The commit that was measured; `+` when files had been changed since. */
  readonly commit: string;
};

/** What was found before anything was measured, with `describeDisk` and `readLoad`. */
export type Before = { readonly disk: string; readonly load: number };

export async function describeMachine(lab: Lab, { disk, load }: Before): Promise<Machine> {
  const cores = cpus();
  return {
    processor: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    loadBefore: load,
    node: process.version,
    postgres: lab.postgresVersion,
    disk,
    http: lab.tools.http,
    sql: lab.tools.sql,
    commit: await readCommit(),
  };
}

/** How busy the machine is with other things. */
export function readLoad(): number {
  return loadavg()[0] ?? 0;
}

/** Of all processors since the machine began, in ticks of the kernel. */
export type ProcessorTicks = {
  readonly all: number;
  /** What a virtual machine was ready to use and its host gave to others. */
  readonly stolen: number;
};

/** Undefined where the system does not tell. */
export async function readProcessorTicks(): Promise<ProcessorTicks | undefined> {
  const text = await readFile('/proc/stat', 'utf8').catch(() => '');
  // user, nice, system, idle, iowait, irq, softirq, steal; what follows is in the first two.
  const ticks = /^cpu +(.+)$/m.exec(text)?.[1]?.split(' ').slice(0, 8).map(Number);
  if (ticks?.length !== 8) return undefined;
  return { all: ticks.reduce((sum, one) => sum + one, 0), stolen: ticks[7] ?? 0 };
}

/** Which share of the processors' time, 0 to 1, the host gave to others between two reads. */
export function shareStolen(
  before: ProcessorTicks | undefined,
  after: ProcessorTicks | undefined,
): number {
  if (before === undefined || after === undefined || after.all <= before.all) return 0;
  return (after.stolen - before.stolen) / (after.all - before.all);
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

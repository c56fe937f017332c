import { readdir, readFile } from 'node:fs/promises';

/** Linux counts a process's time in hundredths of a second, whatever the kernel's own tick. */
const ticksPerSecond = 100;

/** Memory that a process holds, in MB. NaN where there is no /proc. */
export async function readRssMb(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** Processor time that a process has used, in seconds. NaN where there is no /proc. */
export async function readCpuSeconds(pid: number | undefined): Promise<number> {
  return (await readStat(String(pid)))?.cpuSeconds ?? Number.NaN;
}

/**
 * Processor time of a process and of all it ever started, in seconds: for Postgres, whose every
 * connection is a process. NaN where there is no /proc.
 */
export async function readFamilyCpuSeconds(pid: number): Promise<number> {
  const names = await readdir('/proc').catch(() => []);
  const stats = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(readStat));
  const family = stats.filter((stat) => stat?.pid === pid || stat?.parent === pid);
  if (family.length === 0) return Number.NaN;
  // What has ended stands in its parent's account.
  return family.reduce((sum, stat) => sum + (stat?.cpuSeconds ?? 0) + (stat?.endedSeconds ?? 0), 0);
}

type Stat = {
  readonly pid: number;
  readonly parent: number;
  readonly cpuSeconds: number;
  /** Of its children that have ended. */
  readonly endedSeconds: number;
};

async function readStat(pid: string): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // The name in brackets may hold spaces. The parent is the 4th field; the times begin with the
  // 14th: user and system of the process, and user and system of its children that have ended.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const seconds = (first: number): number =>
    (Number(fields[first]) + Number(fields[first + 1])) / ticksPerSecond;
  const times = { cpuSeconds: seconds(11), endedSeconds: seconds(13) };
  return { pid: Number(pid), parent: Number(fields[1]), ...times };
}

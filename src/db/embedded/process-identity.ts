import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * A process that cannot be mistaken for a later one with the same pid. In a container that is
 * restarted the service has the same pid each time, so a pid alone says nothing.
 */
export type ProcessIdentity = { readonly pid: number; readonly startedAt: string };

/** The identity of a living process; undefined when there is none, or only a zombie of it. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const startedAt = process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Whether the very process that was identified is still alive. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startedAt === identity.startedAt;
}

/** The identity of this process. */
export function thisProcess(): ProcessIdentity {
  const identity = identifyProcess(process.pid);
  if (identity === undefined) throw new Error('this process cannot see itself in the process list');
  return identity;
}

/** Reads what `formatIdentity` wrote; what cannot be read belongs to nobody who is alive. */
export function parseIdentity(text: string): ProcessIdentity {
  const [pid, ...startedAt] = text.trim().split(' ');
  return { pid: Number(pid), startedAt: startedAt.join(' ') };
}

/** One line that names the process. */
export function formatIdentity(identity: ProcessIdentity): string {
  return `${identity.pid} ${identity.startedAt}\n`;
}

function startOnLinux(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command stands in brackets and may hold blanks and brackets: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  if (state === 'Z' || state === 'X' || startTicks === undefined) return undefined;
  // Ticks count from the machine's start, so a restart of the machine must tell in the identity.
  return `${readText('/proc/sys/kernel/random/boot_id')?.trim() ?? 'boot'}/${startTicks}`;
}

function startByPs(pid: number): string | undefined {
  try {
    const fields = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const [state = '', ...startedAt] = fields.split(/\s+/);
    return state === '' || state.startsWith('Z') ? undefined : startedAt.join('-');
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

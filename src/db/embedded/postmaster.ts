import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { serverNameOf } from './data-files.ts';
import { identifyProcess } from './process-identity.ts';

/** The server process of a cluster. */
export type Postmaster = {
  readonly pid: number;
  readonly port: number;
  /** False while it starts, recovers or stops. */
  readonly ready: boolean;
};

/**
 * The running server of this cluster, if there is one. The pid in `postmaster.pid` is believed only
 * when that process really is this cluster's server: after a restart of a container it is often
 * somebody else's, and a killed server that nobody reaped is a zombie that still answers signals.
 */
export function findPostmaster(cluster: string): Postmaster | undefined {
  const lines = readPidFile(cluster)?.split('\n');
  if (lines === undefined) return undefined;
  const pid = Number(lines[0]);
  if (identifyProcess(pid) === undefined || !isServerOf(cluster, pid)) return undefined;
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
}

/**
 * Removes a `postmaster.pid` that names a process which is not the server. Postgres deals with a
 * pid that is gone, but takes any living process for a server and refuses to start. Server
 * processes that are left over still hold the shared memory block, which Postgres finds without the
 * file.
 */
export async function removeStalePidFile(cluster: string): Promise<void> {
  const text = readPidFile(cluster);
  if (text === undefined || findPostmaster(cluster) !== undefined) return;
  const pid = Number(text.split('\n')[0]);
  // 0: the file is empty, because the machine went down before it was written.
  if (pid === 0 || pidExists(pid)) await rm(join(cluster, 'postmaster.pid'), { force: true });
}

/** Server processes of this cluster that outlived their killed server: by the name they carry. */
export function findOrphans(cluster: string): readonly number[] {
  const title = `postgres: ${serverNameOf(cluster)}: `;
  const pids =
    process.platform === 'linux'
      ? readdirSync('/proc')
      : execFileSync('ps', ['-axo', 'pid='], { encoding: 'utf8' }).split('\n');
  return pids.map(Number).filter((pid) => pid > 0 && commandOf(pid).startsWith(title));
}

function isServerOf(cluster: string, pid: number): boolean {
  // What pg_ctl runs is `<folder>/postgres -D <cluster>`.
  const [program = ''] = commandOf(pid).split(' -D ');
  if (!program.endsWith('/postgres')) return false;
  return standsIn(cluster, pid) ?? commandOf(pid).includes(` -D ${cluster}`);
}

/** Whether a process works in this folder, however it is mounted; undefined when that is hidden. */
function standsIn(cluster: string, pid: number): boolean | undefined {
  if (process.platform !== 'linux') return undefined;
  const folder = attempt(() => statSync(cluster));
  const cwd = attempt(() => statSync(`/proc/${pid}/cwd`));
  if (folder === undefined || cwd === undefined) return undefined;
  return folder.dev === cwd.dev && folder.ino === cwd.ino;
}

function commandOf(pid: number): string {
  const command = attempt(() =>
    process.platform === 'linux'
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      : execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }),
  );
  return command?.trim() ?? '';
}

function readPidFile(cluster: string): string | undefined {
  return attempt(() => readFileSync(join(cluster, 'postmaster.pid'), 'utf8'));
}

function pidExists(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { formatIdentity, isAlive, parseIdentity, thisProcess } from './process-identity.ts';

const pollMs = 25;
let claims = 0;

/**
 * Runs `work` while this process holds the lock file, and no other process of this machine does.
 * A lock whose holder was killed is taken over. Postgres' own interlock (postmaster.pid and the
 * shared memory block) stands behind it: the lock keeps starts tidy, it does not keep data safe.
 * @param path the lock file
 * @param timeoutMs how long to wait for a living holder; a crash recovery can take minutes
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  timeoutMs = 600_000,
): Promise<T> {
  await acquire(path, Date.now() + timeoutMs);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function acquire(path: string, deadline: number): Promise<void> {
  claims += 1;
  const claim = `${path}.${process.pid}.${claims}`;
  await writeFile(claim, formatIdentity(thisProcess()));
  try {
    // A hard link appears at once and with its contents, so nobody ever reads half a lock file.
    while (!(await succeeds(link(claim, path), 'EEXIST'))) {
      const holder = await readFile(path, 'utf8').catch(() => undefined);
      if (holder !== undefined && !isAlive(parseIdentity(holder))) {
        await breakLock(path, `${claim}.stale`);
      } else if (Date.now() > deadline) {
        throw new Error(`process ${holder?.split(' ')[0] ?? '?'} keeps ${path} locked`);
      } else {
        await setTimeout(pollMs);
      }
    }
  } finally {
    await rm(claim, { force: true });
  }
}

/** Takes a dead holder's lock away; gives it back when a living process was quicker. */
async function breakLock(path: string, aside: string): Promise<void> {
  if (!(await succeeds(rename(path, aside), 'ENOENT'))) return;
  const taken = await readFile(aside, 'utf8');
  if (isAlive(parseIdentity(taken))) await succeeds(link(aside, path), 'EEXIST');
  await rm(aside, { force: true });
}

/** False when the attempt failed with `code`; any other failure is thrown. */
async function succeeds(attempt: Promise<void>, code: string): Promise<boolean> {
  try {
    await attempt;
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === code) return false;
    throw error;
  }
}

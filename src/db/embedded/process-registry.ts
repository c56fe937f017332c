import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatIdentity, isAlive, parseIdentity, thisProcess } from './process-identity.ts';

let entries = 0;

/**
 * Notes that this process uses the Postgres of this DATA_DIR. Call it with the lock held.
 * @returns the file that stands for this use; remove it to end the use
 */
export async function registerUse(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  entries += 1;
  const entry = join(directory, `${process.pid}-${entries}`);
  await writeFile(entry, formatIdentity(thisProcess()));
  return entry;
}

/** Whether a living process other than `own` uses this Postgres; clears away the dead ones. */
export async function isUsedByOthers(directory: string, own?: string): Promise<boolean> {
  let used = false;
  for (const name of await readdir(directory).catch(() => [])) {
    const entry = join(directory, name);
    if (entry === own) continue;
    if (isAlive(parseIdentity(await readFile(entry, 'utf8')))) used = true;
    else await rm(entry, { force: true });
  }
  return used;
}

import { chown, copyFile, open, rename, stat, truncate, writeFile } from 'node:fs/promises';
import type { ServerUser } from './server-user.ts';

const maxBytes = 5 * 1024 * 1024;

/** Makes the log file, so that the server's user may write it in a folder that is not theirs. */
export async function prepareLog(path: string, user: ServerUser): Promise<void> {
  await writeFile(path, '', { flag: 'a', mode: 0o600 });
  if (user.owner !== undefined) await chown(path, user.owner.uid, user.owner.gid);
}

/**
 * Keeps the log and one older part of it, each about 5 MB. The server keeps the file open in append
 * mode, so it is emptied in place; a line written at that very moment may be lost.
 */
export async function trimLog(path: string): Promise<void> {
  if ((await logSize(path)) < maxBytes) return;
  await copyFile(path, `${path}.copying`);
  await rename(`${path}.copying`, `${path}.1`);
  await truncate(path);
}

/** How long the log is, in bytes; what is written later stands behind it. */
export async function logSize(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/** What was logged from `offset` on, at most 8 kB. */
export async function readLog(path: string, offset: number): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8192), 0, 8192, offset);
    return buffer.toString('utf8', 0, bytesRead).trim();
  } finally {
    await file.close();
  }
}

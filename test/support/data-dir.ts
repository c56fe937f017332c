import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedPostgres } from '../../src/db/embedded/index.ts';
import { identifyProcess } from '../../src/db/embedded/process-identity.ts';
import { isUsedByOthers } from '../../src/db/embedded/process-registry.ts';
import { createLogger } from '../../src/logger.ts';

const prefix = 'onhand-test-';

/** An empty DATA_DIR. `remove` deletes it; close what runs in it first. */
export async function createDataDir(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Stops and removes what test runs that were killed left behind. */
export async function removeForgottenDataDirs(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    // Tidying is a courtesy: a folder that is another user's stays.
    await removeIfForgotten(join(tmpdir(), name), name).catch(() => undefined);
  }
}

async function removeIfForgotten(path: string, name: string): Promise<void> {
  const maker = Number(name.slice(prefix.length).split('-')[0]);
  if (identifyProcess(maker) !== undefined) return;
  if (await isUsedByOthers(join(path, 'processes'))) return;
  if (existsSync(join(path, 'postgres/postmaster.pid'))) {
    // Who closes it last stops it, and nobody else is there.
    const postgres = await openEmbeddedPostgres({ dataDir: path, logger: createLogger('silent') });
    await postgres.close();
  }
  await rm(path, { recursive: true, force: true });
}

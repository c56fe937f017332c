import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { postgresMajor, type Binaries } from './binaries.ts';
import type { DataFiles } from './data-files.ts';
import { includeSettings } from './server-settings.ts';
import type { ServerUser } from './server-user.ts';

/** The superuser, and the name of the database. */
export const embeddedName = 'onhand';

/**
 * Makes the cluster when there is none. It is built under another name and renamed when it is
 * complete, so a kill at any moment leaves either no cluster or a whole one. Call it with the lock
 * held.
 * @returns the superuser's password
 */
export async function initialiseCluster(
  files: DataFiles,
  binaries: Binaries,
  user: ServerUser,
): Promise<string> {
  await removeUnfinished(files);
  const version = await readIfThere(join(files.cluster, 'PG_VERSION'));
  if (version === undefined) {
    const password = (await readIfThere(files.password)) ?? (await createPassword(files));
    await build(files, binaries, user, password);
    return password;
  }
  if (version !== postgresMajor) {
    throw new UsageError(
      `${files.cluster} holds data of PostgreSQL ${version}; this program brings PostgreSQL ` +
        `${postgresMajor}: dump it with the old version and restore it into a new DATA_DIR`,
    );
  }
  const password = await readIfThere(files.password);
  if (password !== undefined) return password;
  throw new UsageError(`${files.password} is missing: restore it, it belongs to ${files.cluster}`);
}

async function build(
  files: DataFiles,
  { initdb }: Binaries,
  user: ServerUser,
  password: string,
): Promise<void> {
  const scratch = await fs.mkdtemp(join(files.dataDir, files.unfinishedPrefix));
  const cluster = join(scratch, 'cluster');
  const passwordFile = join(scratch, 'password');
  await fs.mkdir(cluster, { mode: 0o700 });
  await fs.writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (user.owner !== undefined) {
    for (const path of [scratch, cluster, passwordFile]) {
      await fs.chown(path, user.owner.uid, user.owner.gid);
    }
  }
  const { exitCode, output } = await user.run(initdb, [
    `--pgdata=${cluster}`,
    `--username=${embeddedName}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--data-checksums',
    '--no-instructions',
    // Postgres' own collation: an upgrade of the system's C library cannot damage an index.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ]);
  if (exitCode !== 0) throw new Error(`initdb failed:\n${output.trim()}`);
  await includeSettings(cluster, user);
  await fs.rename(cluster, files.cluster);
  await syncDirectory(files.dataDir);
  await fs.rm(scratch, { recursive: true, force: true });
}

async function createPassword(files: DataFiles): Promise<string> {
  const password = randomBytes(24).toString('hex');
  const unfinished = join(files.dataDir, `${files.unfinishedPrefix}password`);
  await fs.writeFile(unfinished, `${password}\n`, { mode: 0o600, flush: true });
  await fs.rename(unfinished, files.password);
  await syncDirectory(files.dataDir);
  return password;
}

async function removeUnfinished(files: DataFiles): Promise<void> {
  for (const name of await fs.readdir(files.dataDir)) {
    if (!name.startsWith(files.unfinishedPrefix)) continue;
    // An initdb that outlived its parent may still write there: its remains wait for next time.
    await fs.rm(join(files.dataDir, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await fs.readFile(path, 'utf8')).trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await fs.open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

import { appendFile, chown, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { serverNameOf } from './data-files.ts';
import type { ServerUser } from './server-user.ts';

const fileName = 'onhand.conf';

const mb = 1024 * 1024;

/**
 * How much memory the server keeps pages in: an eighth of what there is (of the container's, where
 * it has a limit), 128 … 2,048 MB. A shop of a million SKUs changes pages all over its tables and
 * keys; what has no room is read and checked again for each change.
 */
export function sharedBuffers(memory = availableMemory()): string {
  const wanted = Math.floor(memory / 8 / mb);
  return `${Math.min(2_048, Math.max(128, wanted))}MB`;
}

function availableMemory(): number {
  // 0 where no limit is known.
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}

/** For a ledger: many small durable writes, few long reads. docker-compose.yml has the same. */
export const defaultSettings = {
  max_connections: '200',
  shared_buffers: sharedBuffers(),
  // Rare checkpoints: each one makes the next change of a page write the whole page to the log.
  checkpoint_timeout: '15min',
  max_wal_size: '4GB',
  min_wal_size: '256MB',
  // Compressing whole pages takes half as long as all else of a change whose pages are cold.
  wal_compression: 'off',
  random_page_cost: '1.1',
  jit: 'off',
  // Hot rows are updated all the time: clean up early rather than after a fifth of the table.
  autovacuum_vacuum_scale_factor: '0.05',
  autovacuum_naptime: '20s',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off',
  // The program reports its own failed statements; their text has no place in a second log.
  log_min_error_statement: 'panic',
};

/** These promise durability and privacy, so nobody overrides them. */
const fixed = {
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  listen_addresses: '127.0.0.1',
  // A socket's path may have 107 bytes at most, which DATA_DIR could exceed.
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  logging_collector: 'off',
};

/** Makes a new cluster read the settings file; later starts only rewrite that file. */
export async function includeSettings(cluster: string, user: ServerUser): Promise<void> {
  await appendFile(join(cluster, 'postgresql.conf'), `\ninclude '${fileName}'\n`);
  await writeSettings(cluster, user, 5432, {});
}

/**
 * Writes the settings for the next start.
 * @param port to listen on
 * @param extra settings that win over the defaults; durability and listening are not theirs
 */
export async function writeSettings(
  cluster: string,
  user: ServerUser,
  port: number,
  extra: Readonly<Record<string, string>>,
): Promise<void> {
  const own = { port: String(port), cluster_name: serverNameOf(cluster) };
  const settings = { ...defaultSettings, ...extra, ...fixed, ...own };
  const lines = Object.entries(settings).map(([name, value]) => {
    if (!/^[a-z][a-z0-9_.]*$/.test(name) || /[\n\r\\]/.test(value)) {
      throw new UsageError(`not a PostgreSQL setting: ${name} = ${value}`);
    }
    return `${name} = '${value.replaceAll("'", "''")}'`;
  });
  const path = join(cluster, fileName);
  await writeFile(path, `# Written by onhand at each start.\n${lines.join('\n')}\n`, {
    mode: 0o600,
  });
  if (user.owner !== undefined) await chown(path, user.owner.uid, user.owner.gid);
}

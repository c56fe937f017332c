import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** What an embedded Postgres keeps in DATA_DIR. */
export type DataFiles = {
  /** DATA_DIR itself, absolute and without symbolic links. */
  readonly dataDir: string;
  /** The database cluster (PGDATA). It exists only when it is complete. */
  readonly cluster: string;
  /** Clusters being made have this prefix; one that is found without its maker is rubbish. */
  readonly unfinishedPrefix: string;
  /** The superuser's password, mode 600. */
  readonly password: string;
  /** The port of the last start, so that it stays the same over restarts. */
  readonly port: string;
  /** What the server reports. It lies outside the cluster, so it survives a restore of it. */
  readonly log: string;
  /** Held while Postgres is started or stopped. */
  readonly lock: string;
  /** One file for each process that uses this Postgres. */
  readonly processes: string;
};

/** Names the files below `dataDir`, which must be absolute. */
export function dataFilesIn(dataDir: string): DataFiles {
  return {
    dataDir,
    cluster: join(dataDir, 'postgres'),
    unfinishedPrefix: 'postgres.new-',
    password: join(dataDir, 'postgres.password'),
    port: join(dataDir, 'postgres.port'),
    log: join(dataDir, 'postgres.log'),
    lock: join(dataDir, 'postgres.lock'),
    processes: join(dataDir, 'processes'),
  };
}

/** What the cluster's server processes are called in the process list, for anybody to read. */
export function serverNameOf(cluster: string): string {
  return `onhand-${createHash('sha256').update(cluster).digest('hex').slice(0, 8)}`;
}

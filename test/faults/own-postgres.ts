import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbeddedPostgres } from '../../src/db/embedded/index.ts';
import { createLogger } from '../../src/logger.ts';
import { createDataDir } from '../support/data-dir.ts';
import { isRunning } from '../support/embedded-postgres.ts';
import { waitFor } from '../support/wait-for.ts';

/** A Postgres that a test may do anything to. */
export type OwnPostgres = {
  readonly connectionString: string;
  /** Undefined where this machine does not let the test mount a file system of its own. */
  readonly disk: Disk | undefined;
  /** Ends it as `pg_ctl stop -m immediate` does: no transaction ends, nothing is written out. */
  stopAtOnce(): Promise<void>;
  /** Starts it again when it is gone; resolves when it has recovered. */
  start(): Promise<void>;
  close(): Promise<void>;
};

export type Disk = {
  /** Takes all space that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
};

const diskMb = 256;

/** Opens one, on a small disk of its own where possible. */
export async function openOwnPostgres(): Promise<OwnPostgres> {
  const dataDir = await createDataDir();
  const isMounted = mount(dataDir.path);
  const unmount = (): void => {
    if (isMounted) execFileSync('umount', ['--lazy', dataDir.path]);
  };
  try {
    const postgres = await openEmbeddedPostgres({
      dataDir: dataDir.path,
      logger: createLogger('silent'),
      extraSettings: {
        shared_buffers: '32MB',
        max_wal_size: '64MB',
        min_wal_size: '32MB',
      },
    });
    const pidFile = join(dataDir.path, 'postgres', 'postmaster.pid');
    return {
      connectionString: postgres.connectionString,
      disk: isMounted ? diskAt(join(dataDir.path, 'filler')) : undefined,
      async stopAtOnce() {
        const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
        process.kill(pid, 'SIGQUIT');
        await waitFor(() => !isRunning(pid), { what: 'Postgres has stopped' });
      },
      start: () => postgres.ensureRunning(),
      async close() {
        await postgres.close();
        unmount();
        await dataDir.remove();
      },
    };
  } catch (error) {
    unmount();
    await dataDir.remove();
    throw error;
  }
}

function mount(path: string): boolean {
  try {
    const options = `size=${diskMb}m,mode=0711`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'onhand-test', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function diskAt(filler: string): Disk {
  return {
    fill() {
      const file = openSync(filler, 'a');
      try {
        for (const size of [1_048_576, 4_096]) while (takes(file, Buffer.alloc(size)));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler, { force: true }),
  };
}

/** Whether there was space for all of it. */
function takes(file: number, data: Buffer): boolean {
  try {
    return writeSync(file, data) === data.length;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}

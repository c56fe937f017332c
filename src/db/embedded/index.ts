import { mkdir, realpath, rm } from 'node:fs/promises';
import type { Logger } from '../../logger.ts';
import { findBinaries } from './binaries.ts';
import { dataFilesIn } from './data-files.ts';
import { connectionStringFor, ensureDatabase } from './database.ts';
import { embeddedName, initialiseCluster } from './initialise-cluster.ts';
import { withLock } from './lock.ts';
import { findPostmaster } from './postmaster.ts';
import { isUsedByOthers, registerUse } from './process-registry.ts';
import { startServer, stopServer, type Server } from './server.ts';
import { trimLog } from './server-log.ts';
import { findServerUser } from './server-user.ts';

/** A PostgreSQL of our own, shared by every onhand process that uses the same DATA_DIR. */
export type EmbeddedPostgres = {
  /** For the database `onhand`, with the superuser's password: never log it. */
  readonly connectionString: string;
  readonly port: number;
  /** False when it was running already: another process's, or left over by a killed one. */
  readonly startedHere: boolean;
  /**
   * Restarts the server, on the same port, when it is gone. Costs a few file reads when it is
   * there; call it every few seconds and after each lost connection. Does nothing after `close`.
   */
  ensureRunning(): Promise<void>;
  /** Ends this process's use; the last process to do so stops the server. */
  close(): Promise<void>;
};

export type EmbeddedPostgresOptions = {
  /** The folder that holds everything; created when it is missing. */
  readonly dataDir: string;
  /** The port to listen on; by default the last one, or a free one. */
  readonly port?: number;
  readonly logger: Logger;
  /** Server settings for the next start, such as `shared_buffers`. Durability stays on. */
  readonly extraSettings?: Readonly<Record<string, string>>;
};

/**
 * Opens the PostgreSQL in `dataDir`: creates it on the first start, takes over one that is running,
 * starts it otherwise. A first start takes about a second, a later one a fifth of that.
 */
export async function openEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const binaries = findBinaries();
  await mkdir(options.dataDir, { recursive: true });
  const files = dataFilesIn(await realpath(options.dataDir));
  return await withLock(files.lock, async () => {
    const user = await findServerUser(files.dataDir, files.cluster, binaries.pgCtl);
    const settings = options.extraSettings ?? {};
    const server = { files, binaries, user, settings, logger: options.logger };
    const password = await initialiseCluster(files, binaries, user);
    // While others use it, its port must stay: their pools know no other.
    const fixed = options.port !== undefined || (await isUsedByOthers(files.processes));
    const use = await registerUse(files.processes);
    try {
      const { port, started } = await startServer(server, { port: options.port, fixed });
      await ensureDatabase(port, password);
      return handleFor(server, use, { port, started, password });
    } catch (error) {
      // Why it could not be opened matters more than why it could not be stopped.
      await endUse(server, use).catch((err: unknown) => options.logger.error({ err }));
      throw error;
    }
  });
}

function handleFor(
  server: Server,
  use: string,
  { port, started, password }: { port: number; started: boolean; password: string },
): EmbeddedPostgres {
  const { files } = server;
  let restarting: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  async function restart(): Promise<void> {
    await withLock(files.lock, async () => {
      // `close` may have had the lock first: nobody would stop the server again.
      if (closing === undefined) await startServer(server, { port, fixed: true });
    });
  }

  return {
    connectionString: connectionStringFor(port, password, embeddedName),
    port,
    startedHere: started,
    async ensureRunning() {
      if (closing !== undefined) return;
      if (findPostmaster(files.cluster)?.ready === true) return await trimLog(files.log);
      restarting ??= restart().finally(() => (restarting = undefined));
      await restarting;
    },
    async close() {
      closing ??= withLock(files.lock, async () => await endUse(server, use));
      await closing;
    },
  };
}

/** Takes this use off the list and stops the server when it was the last. */
async function endUse(server: Server, use: string): Promise<void> {
  await rm(use, { force: true });
  if (!(await isUsedByOthers(server.files.processes))) await stopServer(server);
}

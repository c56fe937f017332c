import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { UsageError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { Binaries } from './binaries.ts';
import type { DataFiles } from './data-files.ts';
import { chooseFreePort, isPortFree } from './port.ts';
import { findOrphans, findPostmaster, removeStalePidFile } from './postmaster.ts';
import { identifyProcess, isAlive } from './process-identity.ts';
import { logSize, prepareLog, readLog, trimLog } from './server-log.ts';
import { writeSettings } from './server-settings.ts';
import type { ServerUser } from './server-user.ts';

/** Everything that starting and stopping one cluster's server takes. */
export type Server = {
  readonly files: DataFiles;
  readonly binaries: Binaries;
  readonly user: ServerUser;
  readonly settings: Readonly<Record<string, string>>;
  readonly logger: Logger;
};

/** Which port to use: a `fixed` one is waited for a while, another one gives way to a free one. */
export type PortWish = { readonly port: number | undefined; readonly fixed: boolean };

const pollMs = 50;
/** How long the remains of a killed server may stay in the way. */
const obstacleMs = 60_000;
/** After this long they (a long query) are told to end, and a port that is taken is a failure. */
const patienceMs = 3_000;
/** A crash recovery replays up to max_wal_size and may take its time. */
const startSeconds = 600;
const stopSeconds = 60;

/**
 * Sees to it that the server runs. Call it with the lock held.
 * @returns its port, and whether this call started it
 */
export async function startServer(
  server: Server,
  wish: PortWish,
): Promise<{ port: number; started: boolean }> {
  const begun = Date.now();
  let failure = '';
  let port = wish.port ?? (await readPort(server.files)) ?? (await chooseFreePort());
  while (Date.now() - begun < obstacleMs) {
    const running = findPostmaster(server.files.cluster);
    const isLate = Date.now() - begun > patienceMs;
    if (running !== undefined) {
      if (await becomesReady(server, running.pid)) return { port: running.port, started: false };
    } else if (await isPortFree(port)) {
      failure = (await tryToStart(server, port)) ?? '';
      if (failure === '') return { port, started: true };
      if (!isObstacle(failure)) break;
      if (isLate) endOrphans(server);
    } else if (!wish.fixed) {
      port = await chooseFreePort();
    } else if (isLate) {
      throw new UsageError(`PostgreSQL cannot start: port ${port} of 127.0.0.1 is in use`);
    }
    await setTimeout(pollMs);
  }
  throw new Error(`PostgreSQL did not start; its log (${server.files.log}) says:\n${failure}`);
}

/** Stops the server, if it runs: open transactions are rolled back. Call it with the lock held. */
export async function stopServer(server: Server): Promise<void> {
  const { files, binaries, user, logger } = server;
  const running = findPostmaster(files.cluster);
  const identity = running && identifyProcess(running.pid);
  if (identity === undefined) return;
  const args = ['stop', '--silent', '-m', 'fast', '-t', String(stopSeconds), '-D', files.cluster];
  const { exitCode, output } = await user.run(binaries.pgCtl, args);
  // It may have ended by itself between the question and the order.
  if (exitCode !== 0 && findPostmaster(files.cluster) !== undefined) {
    throw new Error(`PostgreSQL could not be stopped: ${output.trim()}`);
  }
  // `pg_ctl` waits for the pid file to go, which is one of the last things the process does.
  const deadline = Date.now() + stopSeconds * 1000;
  while (isAlive(identity) && Date.now() < deadline) await setTimeout(pollMs);
  logger.info({ dataDir: files.dataDir }, 'PostgreSQL stopped');
}

/** One attempt. Resolves to what went wrong, or undefined. */
async function tryToStart(server: Server, port: number): Promise<string | undefined> {
  const { files, binaries, user, settings, logger } = server;
  await removeStalePidFile(files.cluster);
  await writeSettings(files.cluster, user, port, settings);
  await prepareLog(files.log, user);
  await trimLog(files.log);
  const logged = await logSize(files.log);
  const begun = performance.now();
  const args = ['start', '--silent', '-t', String(startSeconds), '-D', files.cluster];
  const { exitCode, output } = await user.run(binaries.pgCtl, [...args, '-l', files.log]);
  if (exitCode !== 0) return `${output.trim()}\n${await readLog(files.log, logged)}`.trim();
  await writeFile(files.port, `${port}\n`);
  const tookMs = Math.round(performance.now() - begun);
  logger.info({ dataDir: files.dataDir, port, tookMs }, 'PostgreSQL started');
  return undefined;
}

/** Waits for a server that is starting, or recovering. False when it ends instead. */
async function becomesReady(server: Server, pid: number): Promise<boolean> {
  const deadline = Date.now() + startSeconds * 1000;
  while (Date.now() < deadline) {
    const running = findPostmaster(server.files.cluster);
    if (running?.pid !== pid) return false;
    if (running.ready) return true;
    await setTimeout(pollMs);
  }
  throw new Error(`PostgreSQL (process ${pid}) is not ready after ${startSeconds} s`);
}

/** What goes away by itself: a port that was just taken, remains of a killed server. */
function isObstacle(failure: string): boolean {
  return /Address already in use|shared memory block|lock file "/.test(failure);
}

function endOrphans({ files, logger }: Server): void {
  for (const pid of findOrphans(files.cluster)) {
    logger.warn({ pid }, 'ending a process of a PostgreSQL that was killed');
    // Without their server they cannot commit any more; SIGQUIT ends them at once.
    try {
      process.kill(pid, 'SIGQUIT');
    } catch (error) {
      logger.debug({ pid, error }, 'it had ended by itself');
    }
  }
}

async function readPort(files: DataFiles): Promise<number | undefined> {
  const port = Number(await readFile(files.port, 'utf8').catch(() => 'none'));
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

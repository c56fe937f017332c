import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../test/support/wait-for.ts';
import { end, findFreePort, start } from './processes.ts';

/** A server under load: the service, or one of the baselines. */
export type Server = {
  readonly url: string;
  readonly process: ChildProcess;
  /** What it prints. */
  readonly logFile: string;
  stop(): Promise<void>;
};

/** The admin key of every service of this run. */
export const adminKey = randomUUID();

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const baselines = fileURLToPath(new URL('./baselines/', import.meta.url));

/**
 * Starts `onhand serve` with everything switched on: auth, validation, workers, metrics and logs at
 * `info`, which go to a file. Only the rate limit is off, since the load comes with one key.
 * @param folder for its log, its DATA_DIR and as the place where it looks for onhand.yaml
 * @param nodeArgs for Node itself, such as --cpu-prof
 */
export async function startService(
  connectionString: string,
  folder: string,
  nodeArgs: readonly string[] = [],
): Promise<Server> {
  const env = {
    DATABASE_URL: connectionString,
    DATA_DIR: join(folder, 'data'),
    ADMIN_API_KEY: adminKey,
    RATE_LIMIT_RPS: '0',
    LOG_LEVEL: 'info',
  };
  const args = [...nodeArgs, main, 'serve'];
  return await startServer({ name: 'service', folder, args, env, ready: '/api/health/readiness' });
}

/** Starts one of the servers in `baselines`. */
export async function startBaselineServer(
  name: 'naive-server' | 'constant-server',
  folder: string,
  connectionString = '',
): Promise<Server> {
  const env = { DATABASE_URL: connectionString };
  return await startServer({
    name,
    folder,
    args: [`${baselines}${name}.ts`],
    env,
    ready: '/ready',
  });
}

/** Starts the other end of webhook channels. */
export async function startReceiverServer(folder: string): Promise<Server> {
  const args = [fileURLToPath(new URL('./receiver.ts', import.meta.url))];
  return await startServer({ name: 'receiver', folder, args, env: {}, ready: '/report' });
}

type ServerCommand = {
  readonly name: string;
  readonly folder: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly ready: string;
};

async function startServer({ name, folder, args, env, ready }: ServerCommand): Promise<Server> {
  const port = String(await findFreePort());
  const log = join(folder, `${name}-${port}.log`);
  const file = await open(log, 'a');
  const child = start(
    { program: process.execPath, args, env: { ...env, PORT: port }, cwd: folder },
    ['ignore', file.fd, file.fd],
  );
  await file.close();
  const url = `http://127.0.0.1:${port}`;
  const what = `${name} to be ready`;
  try {
    await waitFor(() => isReady(child, `${url}${ready}`), { what, timeoutMs: 30_000 });
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
  } catch (cause) {
    await end(child);
    const said = await readFile(log, 'utf8').catch(() => '');
    throw new Error(`${name} did not start: ${said.slice(-2_000)}`, { cause });
  }
  return { url, process: child, logFile: log, stop: () => end(child) };
}

async function isReady(child: ChildProcess, url: string): Promise<boolean> {
  // Ended already: there is nothing to wait for.
  if (child.exitCode !== null) return true;
  return (await fetch(url)).ok;
}

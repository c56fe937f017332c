import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor } from './wait-for.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export const adminKey = 'test-admin-key';

/** A process of the program that goes on until it is ended. */
export type Running = {
  readonly process: ChildProcess;
  /** All it has written so far. */
  output(): string;
  /** Ends it as an operator would; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Ends it as an accident would. */
  kill(): Promise<void>;
};

export type Service = Running & {
  readonly url: string;
  /** A request with the admin key; `body` is sent as JSON. */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Response>;
};

/**
 * Starts `onhand serve` as a process of its own and waits until it is ready.
 * @param flags as on the command line
 */
export async function startService(
  env: Record<string, string> = {},
  flags: readonly string[] = [],
): Promise<Service> {
  const { running, ready: url } = await start(['serve', ...flags], env, /listening +(http:\S+)/);
  return {
    ...running,
    url,
    call: (method, path, body, headers) =>
      fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${adminKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}

/** Starts `onhand work` as a process of its own and waits until it works. */
export async function startWorker(env: Record<string, string> = {}): Promise<Running> {
  return (await start(['work'], env, /database +(\S+)/)).running;
}

/** @param shown what it writes when it is ready */
async function start(
  args: readonly string[],
  env: Record<string, string>,
  shown: RegExp,
): Promise<{ readonly running: Running; readonly ready: string }> {
  const child = spawn(process.execPath, [main, ...args], {
    env: {
      ...process.env,
      PORT: '0',
      ADMIN_API_KEY: adminKey,
      RATE_LIMIT_RPS: '0',
      LOG_LEVEL: 'warn',
      NODE_ENV: 'test',
      // The next one starts in half the time.
      NODE_COMPILE_CACHE: join(tmpdir(), 'onhand-compile-cache'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ready = await waitFor(
    () => {
      if (hasEnded(child)) throw new Error(`it ended: ${output}`);
      return shown.exec(output)?.[1];
    },
    { what: `the service to be ready` },
  ).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw new Error(`the service did not start: ${output}`, { cause: error });
  });
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (!hasEnded(child)) {
      const exit = once(child, 'exit');
      child.kill(signal);
      await exit;
    }
    return child.exitCode;
  };
  const running: Running = {
    process: child,
    output: () => output,
    stop: () => end('SIGTERM'),
    async kill() {
      await end('SIGKILL');
    },
  };
  return { running, ready };
}

/** Whether a process has ended, by itself or killed. */
export function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

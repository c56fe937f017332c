import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** Every process that was started here and has not ended. */
const running = new Set<ChildProcess>();
/** Set when everything ends: what is still being measured must not start anything again. */
let isEnding = false;

export type Command = {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
};

/**
 * What every process of the benchmark gets of our environment. Settings of whoever starts it
 * (NODE_ENV, ONHAND_CONFIG, PG…) must not change what is measured.
 */
export function plainEnvironment(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Starts a process that goes on until it is ended. */
export function start(command: Command, stdio: StdioOptions): ChildProcess {
  if (isEnding) throw new Error('the benchmark is ending');
  const child = spawn(command.program, command.args, {
    stdio,
    env: { ...plainEnvironment(), ...command.env },
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
  });
  running.add(child);
  child.on('error', () => running.delete(child));
  child.on('exit', () => running.delete(child));
  return child;
}

/** Runs a process to its end and returns what it printed. Rejects when it fails. */
export async function run(command: Command): Promise<string> {
  const child = start(command, ['ignore', 'pipe', 'pipe']);
  let output = '';
  let complaints = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) return output;
  throw new Error(`${command.program} ended with ${code}: ${complaints.slice(-2_000)}${output}`);
}

/** Ends a process as an operator would, and after ten seconds as an accident would. */
export async function end(child: ChildProcess, graceMs = 10_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await exit;
  clearTimeout(timer);
}

/** Ends whatever is still running, for good: nothing starts after it. */
export async function endAll(): Promise<void> {
  isEnding = true;
  await Promise.all([...running].map((child) => end(child, 3_000)));
}

/** A port that nobody uses at the moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

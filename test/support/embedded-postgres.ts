import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { z } from 'zod';
import {
  openEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '../../src/db/embedded/index.ts';
import { identifyProcess } from '../../src/db/embedded/process-identity.ts';
import { createLogger } from '../../src/logger.ts';
import { createDataDir } from './data-dir.ts';
import { runOnServer } from './database.ts';
import { waitFor } from './wait-for.ts';

let folder: string;
let endings: (() => Promise<unknown>)[] = [];
let seed: Awaited<ReturnType<typeof createDataDir>>;

/** Gives each test of the file an empty DATA_DIR, and ends what the test started. */
export function useEmbeddedPostgres(): void {
  // Most tests begin with a copy of a server that ran before: it saves them initdb.
  beforeAll(async () => {
    seed = await createDataDir();
    folder = seed.path;
    await (await open()).close();
  });

  afterAll(() => seed.remove());

  beforeEach(async () => {
    const created = await createDataDir();
    folder = created.path;
    endings = [() => created.remove()];
  });

  afterEach(async () => {
    // The last thing that was started ends first, and one that fails keeps none from ending.
    const failures: unknown[] = [];
    for (const end of endings.toReversed()) await end().catch((error) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be ended');
  });
}

/** This test's DATA_DIR. */
export function dataDir(): string {
  return folder;
}

/** Notes what must be done when the test ends, whatever becomes of it. */
export function atEnd(end: () => Promise<unknown>): void {
  endings.push(end);
}

/** Takes the data of a server that ran before; root keeps the owners of the files. */
export function copySeed(): void {
  execFileSync('cp', ['-a', `${seed.path}/.`, folder]);
  rmSync(join(folder, 'postgres.log'));
}

/** Opens the embedded Postgres of this test; it is closed when the test ends. */
export async function open(
  options: Partial<EmbeddedPostgresOptions> = {},
): Promise<EmbeddedPostgres> {
  const postgres = await openEmbeddedPostgres({
    dataDir: folder,
    logger: createLogger('silent'),
    extraSettings: { shared_buffers: '16MB' },
    ...options,
  });
  endings.push(() => postgres.close());
  return postgres;
}

const holding = z.object({ connectionString: z.string(), startedHere: z.boolean() });

/** Opens it in another process, which holds it until it is ended or killed. */
export async function openElsewhere() {
  const script = new URL('./hold-embedded-postgres.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const end = async (): Promise<void> => {
    child.stdin.end();
    await exited;
  };
  endings.push(end);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const opened = holding.parse(JSON.parse(String((await lines.next()).value)));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  return { ...opened, end, kill };
}

/** The server's file that names its process. */
export const pidFile = (): string => join(folder, 'postgres', 'postmaster.pid');

/** The pid of the server that runs, or ran last. */
export function postmasterPid(): number {
  return Number(readFileSync(pidFile(), 'utf8').split('\n')[0]);
}

/** Kills the server as the kernel does when memory runs out, and waits until it is dead. */
export async function killPostmaster(): Promise<void> {
  const pid = postmasterPid();
  process.kill(pid, 'SIGKILL');
  await waitFor(() => !isRunning(pid), { what: 'the server is dead' });
}

/** Whether there is such a process; a zombie is none. */
export function isRunning(pid: number): boolean {
  return identifyProcess(pid) !== undefined;
}

/** Commits something that `read` finds again. */
export async function write(postgres: Pick<EmbeddedPostgres, 'connectionString'>): Promise<void> {
  await runOnServer(postgres.connectionString, 'create table kept as select 42 as answer');
}

/** 42, if what `write` committed is there. */
export async function read(postgres: Pick<EmbeddedPostgres, 'connectionString'>): Promise<unknown> {
  return (await runOnServer(postgres.connectionString, 'select answer from kept'))[0]?.['answer'];
}

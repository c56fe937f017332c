import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openEmbeddedPostgres, type EmbeddedPostgres } from '../../src/db/embedded/index.ts';
import { identifyProcess } from '../../src/db/embedded/process-identity.ts';
import { createLogger } from '../../src/logger.ts';
import { createDataDir } from '../support/data-dir.ts';
import { runOnServer } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';

let dataDir: string;
let endings: (() => Promise<unknown>)[];
let seed: Awaited<ReturnType<typeof createDataDir>>;

// Most tests begin with a copy of a server that was started and stopped once: it saves them initdb.
beforeAll(async () => {
  seed = await createDataDir();
  dataDir = seed.path;
  endings = [];
  await (await open()).close();
});

afterAll(async () => seed.remove());

beforeEach(async () => {
  const created = await createDataDir();
  dataDir = created.path;
  endings = [() => created.remove()];
});

// The last thing that was started ends first, whatever became of the test.
afterEach(async () => {
  for (const end of endings.toReversed()) await end();
});

/** Takes the data of a server that ran before; root keeps the owners of the files. */
function copySeed(): void {
  execFileSync('cp', ['-a', `${seed.path}/.`, dataDir]);
  rmSync(join(dataDir, 'postgres.log'));
}

async function open(options: { port?: number } = {}): Promise<EmbeddedPostgres> {
  const postgres = await openEmbeddedPostgres({
    dataDir,
    logger: createLogger('silent'),
    extraSettings: { shared_buffers: '16MB' },
    ...options,
  });
  endings.push(() => postgres.close());
  return postgres;
}

const holding = z.object({ connectionString: z.string(), startedHere: z.boolean() });

/** Opens it in another process, which holds it until it is ended or killed. */
async function openElsewhere() {
  const script = new URL('../support/hold-embedded-postgres.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] });
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

const pidFile = (): string => join(dataDir, 'postgres', 'postmaster.pid');

function postmasterPid(): number {
  return Number(readFileSync(pidFile(), 'utf8').split('\n')[0]);
}

async function killPostmaster(): Promise<void> {
  const pid = postmasterPid();
  process.kill(pid, 'SIGKILL');
  await waitFor(() => !isRunning(pid), { what: 'the server is dead' });
}

function isRunning(pid: number): boolean {
  return identifyProcess(pid) !== undefined;
}

async function write(postgres: Pick<EmbeddedPostgres, 'connectionString'>): Promise<void> {
  await runOnServer(postgres.connectionString, 'create table kept as select 42 as answer');
}

async function read(postgres: Pick<EmbeddedPostgres, 'connectionString'>): Promise<unknown> {
  return (await runOnServer(postgres.connectionString, 'select answer from kept'))[0]?.['answer'];
}

async function show(postgres: EmbeddedPostgres, setting: string): Promise<unknown> {
  return (await runOnServer(postgres.connectionString, `show ${setting}`))[0]?.[setting];
}

describe('an embedded Postgres', () => {
  test('keeps its data and its port over a restart', async () => {
    const first = await open();
    expect(first.startedHere).toBe(true);
    await write(first);
    await first.close();
    const second = await open();
    expect(await read(second)).toBe(42);
    expect(second.connectionString).toBe(first.connectionString);
  });

  test('is durable, local, and what the options say', async () => {
    const postgres = await open();
    expect(await show(postgres, 'fsync')).toBe('on');
    expect(await show(postgres, 'synchronous_commit')).toBe('on');
    expect(await show(postgres, 'data_checksums')).toBe('on');
    expect(await show(postgres, 'server_encoding')).toBe('UTF8');
    expect(await show(postgres, 'listen_addresses')).toBe('127.0.0.1');
    expect(await show(postgres, 'shared_buffers')).toBe('16MB');
  });

  test('cannot be made to lose commits by a setting', async () => {
    const options = { dataDir, logger: createLogger('silent'), extraSettings: { fsync: 'off' } };
    const postgres = await openEmbeddedPostgres(options);
    endings.push(() => postgres.close());
    expect(await show(postgres, 'fsync')).toBe('on');
  });

  test('lets nobody in without the password, which only its owner can read', async () => {
    const postgres = await open();
    const url = new URL(postgres.connectionString);
    url.password = 'guess';
    await expect(runOnServer(url.href, 'select 1')).rejects.toThrow(
      /password authentication failed/,
    );
    expect((await stat(join(dataDir, 'postgres.password'))).mode & 0o777).toBe(0o600);
    const password = (await readFile(join(dataDir, 'postgres.password'), 'utf8')).trim();
    expect(await readFile(join(dataDir, 'postgres.log'), 'utf8')).not.toContain(password);
  });

  test('is gone after the last close', async () => {
    const postgres = await open();
    const pid = postmasterPid();
    await postgres.close();
    expect(isRunning(pid)).toBe(false);
    expect(existsSync(pidFile())).toBe(false);
    await postgres.ensureRunning();
    expect(existsSync(pidFile())).toBe(false);
    // A timer may still ask when the folder is gone.
    rmSync(dataDir, { recursive: true });
    await postgres.ensureRunning();
  });

  test('comes up after a kill in the middle of its creation', async () => {
    await mkdir(join(dataDir, 'postgres.new-killed', 'cluster', 'base'), { recursive: true });
    await writeFile(join(dataDir, 'postgres.new-killed', 'cluster', 'PG_VERSION'), '18\n');
    const postgres = await open();
    await write(postgres);
    expect(await readdir(dataDir)).not.toContain('postgres.new-killed');
  });

  test('is created once when several processes open a new DATA_DIR together', async () => {
    const opened = await Promise.all([openElsewhere(), openElsewhere(), open()]);
    expect(opened.filter((each) => each.startedHere)).toHaveLength(1);
    expect(new Set(opened.map((each) => each.connectionString)).size).toBe(1);
    await write(opened[0]);
    expect(await read(opened[1])).toBe(42);
    const log = await readFile(join(dataDir, 'postgres.log'), 'utf8');
    expect(log.match(/starting PostgreSQL/g)).toHaveLength(1);
  });
});

describe('a killed server', () => {
  beforeEach(copySeed);

  test('is restarted on the same port with every commit', async () => {
    const postgres = await open();
    await write(postgres);
    await killPostmaster();
    await postgres.ensureRunning();
    expect(await read(postgres)).toBe(42);
  });

  test('is restarted once when several notice it together', async () => {
    const [one, two] = [await open(), await open()];
    await killPostmaster();
    await Promise.all([one.ensureRunning(), two.ensureRunning(), two.ensureRunning()]);
    const log = await readFile(join(dataDir, 'postgres.log'), 'utf8');
    expect(log.match(/starting PostgreSQL/g)).toHaveLength(2);
  });

  test('is restarted though a statement of it will not end', async () => {
    const postgres = await open();
    await write(postgres);
    const endless = 'select count(*) from generate_series(1, 1000000000000)';
    const statement = runOnServer(postgres.connectionString, endless).catch(() => 'ended');
    const busy = `select count(*) > 0 as busy from pg_stat_activity
      where state = 'active' and query = '${endless}'`;
    await waitFor(async () => (await runOnServer(postgres.connectionString, busy))[0]?.['busy'], {
      what: 'the statement runs',
    });
    await killPostmaster();
    await postgres.ensureRunning();
    expect(await statement).toBe('ended');
    expect(await read(postgres)).toBe(42);
  });
});

describe('a postmaster.pid that is stale', () => {
  beforeEach(copySeed);

  // Each line is a shell script that prints a pid and goes on; it runs as the server's user,
  // because Postgres takes no notice of another user's processes.
  test.each([
    ['names no process', 'echo 4194300; exec sleep 600'],
    ['names another program', 'echo $$; exec sleep 600'],
    ['names a zombie', 'sleep 0 & echo $!; exec sleep 600'],
    ['is empty', 'echo; exec sleep 600'],
  ])('does not keep the server from starting when it %s', async (_, script) => {
    const { uid, gid } = await stat(join(dataDir, 'postgres'));
    const other = spawn('/bin/sh', ['-c', script], { uid, gid, cwd: '/' });
    endings.push(() => Promise.resolve(other.kill('SIGKILL')));
    const [line] = z.tuple([z.instanceof(Buffer)]).parse(await once(other.stdout, 'data'));
    const pid = line.toString().trim();
    await writeFile(pidFile(), pid === '' ? '' : `${pid}\n${dataDir}/postgres\n1\n5432\n\n`);
    await chown(pidFile(), uid, gid);
    await write(await open());
    expect(String(postmasterPid())).not.toBe(pid);
  });
});

describe('several processes', () => {
  beforeEach(copySeed);

  test('share one server, and the last to close stops it', async () => {
    const here = await open();
    const pid = postmasterPid();
    const elsewhere = await openElsewhere();
    expect(elsewhere.startedHere).toBe(false);
    await here.close();
    expect(postmasterPid()).toBe(pid);
    await write(elsewhere);
    await elsewhere.end();
    expect(isRunning(pid)).toBe(false);
  });

  test('take over the server of one that was killed, and stop it at the end', async () => {
    const killed = await openElsewhere();
    await write(killed);
    const pid = postmasterPid();
    await killed.kill();
    const postgres = await open();
    expect(postgres.startedHere).toBe(false);
    expect(postmasterPid()).toBe(pid);
    expect(await read(postgres)).toBe(42);
    await postgres.close();
    expect(isRunning(pid)).toBe(false);
  });

  test('are not confused by a killed one whose pid somebody else has now', async () => {
    const postgres = await open();
    const pid = postmasterPid();
    // This very pid, but of a process that started at another time.
    await writeFile(
      join(dataDir, 'processes', `${process.pid}-killed`),
      `${process.pid} earlier\n`,
    );
    await postgres.close();
    expect(isRunning(pid)).toBe(false);
  });

  test('get past the lock of one that was killed while it started the server', async () => {
    await writeFile(join(dataDir, 'postgres.lock'), `${process.pid} earlier\n`);
    const opened = await Promise.all([open(), openElsewhere()]);
    expect(opened.filter((each) => each.startedHere)).toHaveLength(1);
    expect(await readdir(dataDir)).not.toContain('postgres.lock');
  });
});

async function listen(port: number): Promise<number> {
  const server = createServer();
  endings.push(async () => server.close());
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

describe('the port', () => {
  beforeEach(copySeed);

  test('is another one when somebody took it meanwhile', async () => {
    const first = await open();
    await write(first);
    await first.close();
    await listen(first.port);
    const second = await open();
    expect(second.port).not.toBe(first.port);
    expect(await read(second)).toBe(42);
  });

  test('is the one asked for, or a failure that says so', async () => {
    const port = await listen(0);
    await expect(open({ port })).rejects.toThrow(`port ${port} of 127.0.0.1 is in use`);
    expect(await readdir(join(dataDir, 'processes'))).toEqual([]);
  });
});

describe.runIf(process.getuid?.() === 0)('started by root', () => {
  test('runs as somebody else', async () => {
    await open();
    const status = readFileSync(`/proc/${postmasterPid()}/status`, 'utf8');
    expect(status).not.toMatch(/^Uid:\s+0\b/m);
    expect((await stat(join(dataDir, 'postgres'))).uid).not.toBe(0);
  });

  test('works below a folder that only root may enter, and leaves that closed', async () => {
    const closed = dataDir;
    await chmod(closed, 0o700);
    dataDir = join(closed, 'data');
    await write(await open());
    expect((await stat(closed)).mode & 0o777).toBe(0o700);
  });
});

import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { chmod, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { EmbeddedPostgres } from '../../src/db/embedded/index.ts';
import { sharedBuffers } from '../../src/db/embedded/server-settings.ts';
import { runOnServer } from '../support/database.ts';
import {
  atEnd,
  copySeed,
  dataDir,
  isRunning,
  open,
  openElsewhere,
  pidFile,
  postmasterPid,
  read,
  useEmbeddedPostgres,
  write,
} from '../support/embedded-postgres.ts';

useEmbeddedPostgres();

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

  test('keeps pages in an eighth of the memory, within bounds', () => {
    const gb = 1024 ** 3;
    expect(sharedBuffers(gb / 4)).toBe('128MB');
    expect(sharedBuffers(4 * gb)).toBe('512MB');
    expect(sharedBuffers(64 * gb)).toBe('2048MB');
  });

  test('cannot be made to lose commits by a setting', async () => {
    const postgres = await open({ extraSettings: { fsync: 'off' } });
    expect(await show(postgres, 'fsync')).toBe('on');
  });

  test('lets nobody in without the password, which only its owner can read', async () => {
    const postgres = await open();
    const url = new URL(postgres.connectionString);
    url.password = 'guess';
    await expect(runOnServer(url.href, 'select 1')).rejects.toThrow(
      /password authentication failed/,
    );
    expect((await stat(join(dataDir(), 'postgres.password'))).mode & 0o777).toBe(0o600);
    const password = (await readFile(join(dataDir(), 'postgres.password'), 'utf8')).trim();
    expect(await readFile(join(dataDir(), 'postgres.log'), 'utf8')).not.toContain(password);
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
    rmSync(dataDir(), { recursive: true });
    await postgres.ensureRunning();
  });

  test('comes up after a kill in the middle of its creation', async () => {
    await mkdir(join(dataDir(), 'postgres.new-killed', 'cluster', 'base'), { recursive: true });
    await writeFile(join(dataDir(), 'postgres.new-killed', 'cluster', 'PG_VERSION'), '18\n');
    const postgres = await open();
    await write(postgres);
    expect(await readdir(dataDir())).not.toContain('postgres.new-killed');
  });

  test('is created once when several processes open a new DATA_DIR together', async () => {
    const opened = await Promise.all([openElsewhere(), openElsewhere(), open()]);
    expect(opened.filter((each) => each.startedHere)).toHaveLength(1);
    expect(new Set(opened.map((each) => each.connectionString)).size).toBe(1);
    await write(opened[0]);
    expect(await read(opened[1])).toBe(42);
    const log = await readFile(join(dataDir(), 'postgres.log'), 'utf8');
    expect(log.match(/starting PostgreSQL/g)).toHaveLength(1);
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
      join(dataDir(), 'processes', `${process.pid}-killed`),
      `${process.pid} earlier\n`,
    );
    await postgres.close();
    expect(isRunning(pid)).toBe(false);
  });

  test('get past the lock of one that was killed while it started the server', async () => {
    await writeFile(join(dataDir(), 'postgres.lock'), `${process.pid} earlier\n`);
    const opened = await Promise.all([open(), openElsewhere()]);
    expect(opened.filter((each) => each.startedHere)).toHaveLength(1);
    expect(await readdir(dataDir())).not.toContain('postgres.lock');
  });
});

async function listen(port: number): Promise<number> {
  const server = createServer();
  atEnd(async () => server.close());
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
    expect(await readdir(join(dataDir(), 'processes'))).toEqual([]);
  });
});

describe.runIf(process.getuid?.() === 0)('started by root', () => {
  test('runs as somebody else', async () => {
    await open();
    const status = readFileSync(`/proc/${postmasterPid()}/status`, 'utf8');
    expect(status).not.toMatch(/^Uid:\s+0\b/m);
    expect((await stat(join(dataDir(), 'postgres'))).uid).not.toBe(0);
  });

  test('works below a folder that only root may enter, and leaves that closed', async () => {
    const closed = dataDir();
    await chmod(closed, 0o700);
    await write(await open({ dataDir: join(closed, 'data') }));
    expect((await stat(closed)).mode & 0o777).toBe(0o700);
  });
});

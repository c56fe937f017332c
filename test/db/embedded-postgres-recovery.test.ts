import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { appendFile, chown, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { runOnServer } from '../support/database.ts';
import {
  atEnd,
  copySeed,
  dataDir,
  killPostmaster,
  open,
  pidFile,
  postmasterPid,
  read,
  useEmbeddedPostgres,
  write,
} from '../support/embedded-postgres.ts';
import { waitFor } from '../support/wait-for.ts';

useEmbeddedPostgres();

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
    const log = await readFile(join(dataDir(), 'postgres.log'), 'utf8');
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
    const { uid, gid } = await stat(join(dataDir(), 'postgres'));
    const other = spawn('/bin/sh', ['-c', script], { uid, gid, cwd: '/' });
    atEnd(() => Promise.resolve(other.kill('SIGKILL')));
    const [line] = z.tuple([z.instanceof(Buffer)]).parse(await once(other.stdout, 'data'));
    const pid = line.toString().trim();
    await writeFile(pidFile(), pid === '' ? '' : `${pid}\n${dataDir()}/postgres\n1\n5432\n\n`);
    await chown(pidFile(), uid, gid);
    await write(await open());
    expect(String(postmasterPid())).not.toBe(pid);
  });
});

describe('the data folder', () => {
  beforeEach(copySeed);

  test('does not fill up with the log', async () => {
    const postgres = await open();
    const log = join(dataDir(), 'postgres.log');
    await appendFile(log, 'a line that somebody wrote\n'.repeat(200_000));
    await postgres.ensureRunning();
    await appendFile(log, 'a later line\n');
    expect(await readFile(log, 'utf8')).toBe('a later line\n');
    expect(await readFile(`${log}.1`, 'utf8')).toContain('starting PostgreSQL');
  });

  test('is left alone when another version of PostgreSQL made it', async () => {
    await writeFile(join(dataDir(), 'postgres', 'PG_VERSION'), '17\n');
    await expect(open()).rejects.toThrow(/holds data of PostgreSQL 17/);
  });

  test('is not given a new password when the old one is lost', async () => {
    rmSync(join(dataDir(), 'postgres.password'));
    await expect(open()).rejects.toThrow(/postgres.password is missing/);
  });
});

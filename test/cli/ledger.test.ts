import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { createDataDir } from '../support/data-dir.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { adjust, count, openInspector, openTestWriter } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';
import { run, type Ran } from './run.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const before = '2026-03';
let database: TestDatabase;
let pool: Pool;
let folder: Awaited<ReturnType<typeof createDataDir>>;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = await openInspector(database.connectionString);
  folder = await createDataDir();
  for (const at of ['2026-01-10', '2026-02-10', '2026-03-10']) await writeMonth(new Date(at));
  await pool.query('delete from outbox_message');
});

afterAll(async () => {
  await pool.end();
  await folder.remove();
  await database.drop();
});

async function writeMonth(at: Date): Promise<void> {
  const clock = { offsetMs: at.getTime() - Date.now(), now: () => at };
  const stock = openTestWriter(database.connectionString, { clock });
  await stock.writer.submit([count('lamp', 500), count('vase', 500)]);
  await stock.writer.submit(Array.from({ length: 300 }, () => adjust('lamp', -1)));
  await stock.close();
}

function ledger(...args: string[]): Promise<Ran> {
  return run(database.connectionString, ['ledger', ...args], {
    env: { DATA_DIR: folder.path },
  });
}

async function countEntries(): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('select count(*) from ledger_entry');
  return rows[0]?.count ?? 0;
}

test('a dry run says what would be archived, and does nothing', async () => {
  const entries = await countEntries();
  const ran = await ledger('archive', '--before', before, '--dry-run', '--json');
  expect({ code: ran.code, report: JSON.parse(ran.stdout) }).toEqual({
    code: 0,
    report: {
      dryRun: true,
      months: [
        { partition: 'ledger_entry_2026_01', entries: 302, outcome: 'ready' },
        { partition: 'ledger_entry_2026_02', entries: 302, outcome: 'ready' },
      ],
    },
  });
  expect(await countEntries()).toBe(entries);
  expect(await readdir(folder.path)).toEqual([]);
  expect((await ledger('archives')).stdout).toBe('nothing is archived\n');
});

test('killed before its last step it has taken nothing, and can be run again', async () => {
  const entries = await countEntries();
  // Somebody reads the ledger: the month cannot be detached yet.
  const reader = await pool.connect();
  await reader.query('begin');
  await reader.query('select count(*) from ledger_entry');
  const child = spawn(
    process.execPath,
    [main, 'ledger', 'archive', '--before', before, '--to', folder.path],
    {
      env: {
        ...process.env,
        DATABASE_URL: database.connectionString,
        ENCRYPTION_KEY: '0'.repeat(64),
      },
      stdio: 'ignore',
    },
  );
  const exited = once(child, 'exit');
  try {
    await waitFor(
      async () => {
        const { rowCount } = await pool.query(
          `select from pg_stat_activity where datname = current_database()
             and query like '%ledger_archive_partition%'
             and wait_event_type in ('Lock', 'Timeout')`,
        );
        return (rowCount ?? 0) > 0;
      },
      { what: 'the command waits for the reader' },
    );
    child.kill('SIGKILL');
    await exited;
    // Its session would go on to the end of its statement, and the month be archived after all.
    await waitFor(
      async () => {
        const { rowCount } = await pool.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and query like '%ledger_archive_partition%'
             and state = 'active' and pid <> pg_backend_pid()`,
        );
        return rowCount === 0;
      },
      { what: 'the session of the killed command is gone' },
    );
  } finally {
    child.kill('SIGKILL');
    await reader.query('rollback');
    reader.release();
  }
  expect(await countEntries()).toBe(entries);
  expect((await ledger('archives')).stdout).toBe('nothing is archived\n');
  // A file that was cut short by a kill is written again.
  const file = join(folder.path, 'ledger_entry_2026_01.csv.gz');
  expect((await readFile(file)).length).toBeGreaterThan(1_000);
  await writeFile(file, 'cut short');

  const again = await ledger('archive', '--before', before, '--to', folder.path, '--json');
  expect(again).toMatchObject({ code: 0 });
  expect(JSON.parse(again.stdout)).toMatchObject({
    months: [
      { outcome: 'archived', file },
      { outcome: 'archived', entries: 302 },
    ],
  });
  expect(await countEntries()).toBe(entries - 604);
  await expectCleanAudit(pool);
  expect(again.stderr).toContain('archive: 604/604 (100 %)');
  const nothing = await ledger('archive', '--before', before, '--to', folder.path);
  expect(nothing).toMatchObject({ code: 0, stdout: 'nothing to archive\n' });
});

test('archives are listed, verified and brought back to look at', async () => {
  const listed = await ledger('archives');
  expect(listed.stdout.split('\n').filter((line) => line.includes('.csv.gz'))).toHaveLength(2);
  expect((await ledger('verify')).code).toBe(0);

  const restored = await ledger('restore', '2026-02');
  expect(restored).toMatchObject({
    code: 0,
    stdout: '302 entries are in the table archive.ledger_entry_2026_02\n',
  });
  expect((await ledger('restore', '2026-02')).code).toBe(1);
  await expectCleanAudit(pool);

  const file = join(folder.path, 'ledger_entry_2026_01.csv.gz');
  const bytes = await readFile(file);
  bytes[bytes.length - 30] = (bytes[bytes.length - 30] ?? 0) ^ 1;
  await writeFile(file, bytes);
  const damaged = await ledger('verify', '--in', folder.path, '--json');
  expect(damaged.code).toBe(1);
  expect(JSON.parse(damaged.stdout)).toMatchObject({
    whole: false,
    files: [{ verdict: expect.not.stringMatching('whole') }, { verdict: 'whole' }],
  });
});

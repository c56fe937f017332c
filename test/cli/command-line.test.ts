import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findKeyHolder } from '../../src/merchants/index.ts';
import type { DatabaseHandle } from '../../src/db/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';
import { openInspector } from '../support/stock.ts';
import { run, type Ran } from './run.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
let database: TestDatabase;
let handle: DatabaseHandle;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  handle = openDatabase({ connectionString: database.connectionString });
  pool = await openInspector(database.connectionString);
});

afterAll(async () => {
  await handle.close();
  await pool.end();
  await database.drop();
});

function onhand(...args: string[]): Promise<Ran> {
  return run(database.connectionString, args);
}

const commands = [
  'serve',
  'work',
  'migrate',
  'listen',
  'import stock',
  'replay orders',
  'keys create',
  'keys list',
  'keys revoke',
  'channels list',
  'dead-letters list',
  'dead-letters redrive',
  'audit verify',
  'sources list',
  'sources sync',
  'sources runs',
  'sources quarantine',
  'sources approve',
  'sources refuse',
  'ledger archive',
  'ledger archives',
  'ledger verify',
  'ledger restore',
  'listings import',
  'listings export',
  'listings check',
  'listings discover',
  'safety-buffers list',
  'safety-buffers set',
  'safety-buffers delete',
  'safety-buffers recompute',
  'reconcile',
  'drifts list',
  'drifts approve',
  'drifts ignore',
];

test.each(commands)('onhand %s --help teaches with an example', async (command) => {
  const { code, stdout, stderr } = await onhand(...command.split(' '), '--help');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(new RegExp(`Usage: onhand ${command}\\b`));
  expect(stdout).toMatch(new RegExp(`\\$ .*onhand ${command}\\b`));
});

test('onhand --help lists every command and what the exit codes mean', async () => {
  const { stdout } = await onhand('--help');
  for (const command of commands) expect(stdout).toContain(`\n  ${command.split(' ')[0]}`);
  expect(stdout).toMatch(/Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}3 /);
});

test('the document shows the help as it is', async () => {
  const document = readFileSync(new URL('../../docs/command-line.md', import.meta.url), 'utf8');
  for (const command of ['', ...commands]) {
    const { stdout } = await onhand(...command.split(' ').filter(Boolean), '--help');
    expect(document).toContain(`\`\`\`\n${stdout.trimEnd()}\n\`\`\``);
  }
});

test('help is there at once: it loads neither database nor web server', () => {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({
      load: (url, context, next) => { loaded.add(url); return next(url, context); },
    });
    process.on('exit', () => process.stderr.write([...loaded].join('\\n')));
    process.argv = [process.argv[0], 'onhand', '--help'];
    await import(${JSON.stringify(main)});`;
  const args = ['--input-type=module', '-e', script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stdout).toContain('Usage: onhand');
  expect(stderr).toContain('/src/cli/program.ts');
  expect(stderr).not.toMatch(/node_modules\/(?!commander\/)/);
});

test.each([
  [['fly']],
  [['keys', 'create']],
  [['keys', 'create', '--name', 'x', '--role', 'king']],
  [['listen', '--port', '70000']],
  [['listen', '--secret', 'not a secret']],
  [['replay', 'orders', 'missing.csv']],
  [['import', 'stock', 'missing.csv']],
  [['replay', 'orders', 'package.json']],
  [['replay', 'orders', 'x.csv', '--opening', '-1']],
  [['keys', 'list', '--merchant', 'nobody']],
  [['keys', 'revoke', 'key_unknown']],
  [['ledger', 'archive']],
  [['ledger', 'archive', '--before', '2026-13']],
  [['ledger', 'restore', '2001-01']],
])('exit code 2 and no stack for %j', async (args) => {
  const { code, stdout, stderr } = await onhand(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).not.toBe('');
  expect(stderr).not.toMatch(/^ +at /m);
});

test('exit code 2 for settings that cannot be used', async () => {
  const env = { LOG_LEVEL: 'loud', DATABASE_URL: database.connectionString };
  const { code, stderr } = await run(database.connectionString, ['keys', 'list'], { env });
  expect(code).toBe(2);
  expect(stderr).toContain('LOG_LEVEL');
});

test('exit code 3 when the database is away', async () => {
  const away = 'postgres://onhand@127.0.0.1:1/nowhere';
  const { code, stderr } = await run(away, ['audit', 'verify']);
  expect(code).toBe(3);
  expect(stderr).toMatch(/^onhand: the database cannot be reached: .*ECONNREFUSED/m);
  const unknown = `${database.connectionString}_not_there`;
  expect((await run(unknown, ['keys', 'list'])).code).toBe(3);
});

test('migrate says what it applied', async () => {
  expect(await onhand('migrate')).toMatchObject({
    code: 0,
    stdout: 'nothing to apply: the schema is up to date\n',
  });
  expect(JSON.parse((await onhand('migrate', '--json')).stdout)).toEqual({ applied: [] });
});

test('a key that was made opens the door until it is revoked', async () => {
  const made = await onhand('keys', 'create', '--name', 'till', '--role', 'admin');
  const key = made.stdout.trim();
  const holder = await findKeyHolder(handle.db, key);
  expect(holder).toMatchObject({ merchantId: 'default', role: 'admin' });
  expect((await onhand('keys', 'list')).stdout).toContain('till');
  const keyId = holder?.keyId ?? '';
  expect(await onhand('keys', 'revoke', keyId)).toMatchObject({ code: 0 });
  expect(await findKeyHolder(handle.db, key)).toBeUndefined();
  expect(JSON.parse((await onhand('keys', 'list', '--json')).stdout)).toEqual([]);
  expect((await onhand('keys', 'revoke', keyId)).code).toBe(2);
});

test('audit verify is 0 while the books add up, else 1 with the first rows', async () => {
  const clean = await onhand('audit', 'verify');
  expect(clean).toMatchObject({ code: 0 });
  expect(clean.stdout).toMatch(/^ledger_sum_differs +0$/m);
  expect(clean.stdout).toMatch(/^clean: \d+ views are empty$/m);
  await pool.query(
    `insert into ledger_entry (merchant_id, sku, location_id, version, quantity, delta,
       balance_after, command_id, occurred_at, recorded_at)
     select 'default', 'ghost-' || n, 'main', 1, 'on_hand', 5, 5, gen_random_uuid(), now(), now()
     from generate_series(1, 7) n`,
  );
  const broken = await onhand('audit', 'verify');
  expect(broken.code).toBe(1);
  expect(broken.stdout).toMatch(/^ledger_without_level +7$/m);
  expect(broken.stdout).toMatch(/^audit\.ledger_without_level: the ledger tells of/m);
  expect(broken.stdout).toContain('ghost-1');
  expect(broken.stdout).toMatch(/^… and 2 more$/m);
  const data = JSON.parse((await onhand('audit', 'verify', '--json')).stdout) as {
    clean: boolean;
    views: { view: string; rows: number }[];
  };
  expect(data.clean).toBe(false);
  expect(data.views.filter(({ rows }) => rows > 0)).toMatchObject([
    { view: 'ledger_without_level', rows: 7 },
  ]);
  await pool.query(`delete from ledger_entry where sku like 'ghost-%'`);
});

test('channels and dead letters can be listed, and redriven after a look', async () => {
  await pool.query(
    `insert into channel (merchant_id, channel_id, kind, config, mode, timeout_ms, enabled, queue,
       selects_all, created_at, updated_at)
     values
       ('default', 'webshop', 'webhook', '{}', 'latest', 5000, true, 'q', true, now(), now())`,
  );
  await pool.query(
    `insert into delivery (merchant_id, delivery_id, channel_id, job_id, status, listings,
       open_listings, created_at, updated_at)
     values ('default', 'dlv_1', 'webshop', gen_random_uuid(), 'dead', 3, 3, now(), now())`,
  );
  expect((await onhand('channels', 'list')).stdout).toMatch(/^webshop +webhook +latest +active/m);
  expect((await onhand('dead-letters', 'list')).stdout).toMatch(/^dlv_1 +webshop +3/m);
  const other = await onhand('dead-letters', 'list', '--channel', 'other');
  expect(other.stdout).toBe('no dead letters\n');
  const dry = await onhand('dead-letters', 'redrive', '--dry-run');
  expect(dry.stdout).toBe('1 would be redriven\n');
  expect((await onhand('dead-letters', 'redrive')).stdout).toBe('1 redriven\n');
  expect((await onhand('dead-letters', 'redrive')).stdout).toBe('0 redriven\n');
});

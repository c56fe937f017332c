import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { loadConfig, type Config } from '../src/config.ts';
import { UsageError } from '../src/errors.ts';
import { environmentSettings } from '../src/settings.ts';
import { settingsWithoutEffect } from '../src/settings-without-effect.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folderWith(yaml?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'onhand-config-'));
  folders.push(folder);
  if (yaml !== undefined) writeFileSync(join(folder, 'onhand.yaml'), yaml);
  return folder;
}

function load(yaml?: string, env: Record<string, string> = {}) {
  return loadConfig({ cwd: folderWith(yaml), env });
}

function complaintOf(yaml?: string, env?: Record<string, string>): string {
  try {
    load(yaml, env);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'no complaint';
}

function snakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Every key of a settings tree, lists left out, as `group.key`. */
function keysOf(tree: object, path = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? keysOf(value, `${path}${key}.`)
      : [`${path}${key}`],
  );
}

test('without a file and without variables every setting has its documented default', () => {
  const cwd = folderWith();
  const config = loadConfig({ cwd, env: {} });
  expect(config.inventorySync.propagation).toEqual({
    dlqEnabled: true,
    maxLatencyMs: 500,
    alertThresholdMs: 2000,
    backoffBaseMs: 1000,
    backoffMaxMs: 30_000,
    backoffMultiplier: 2,
    maxAttempts: 10,
    batchWindowMs: 0,
  });
  expect(config.inventorySync.channels).toEqual([
    { id: 'shopify', kind: 'shopify', rateLimitRps: 100, timeoutMs: 3000 },
    { id: 'amazon', kind: 'amazon', rateLimitRps: 50, timeoutMs: 5000 },
  ]);
  expect(config.server).toEqual({
    port: 3000,
    host: '127.0.0.1',
    bodyLimitKb: 1024,
    rateLimitRps: 100,
    rateLimitIsDefault: true,
    rateLimitBurst: 200,
    concurrencyApi: 16,
    concurrencySync: 4,
    loadShedQueueMax: 1000,
    breakerThreshold: 0.5,
    breakerCooldownMs: 30_000,
    shutdownTimeoutMs: 10_000,
  });
  expect(config).toMatchObject({
    ledger: { snapshotEveryNEvents: 100 },
    locks: { enabled: false, ttlMs: 2000, renewMs: 1000, rejectStatus: 503, retryAfterMs: 300 },
    log: { level: 'info' },
    database: {},
    dataDir: join(cwd, '.onhand'),
    environment: 'development',
  });
  expect(config).not.toHaveProperty('adminApiKey');
  expect(config).not.toHaveProperty('embeddedPostgresPort');
});

test('the example file parses to exactly the defaults, so copying it changes nothing', () => {
  const cwd = folderWith(readFileSync('onhand.example.yaml', 'utf8'));
  const withoutFile = loadConfig({ cwd, env: { ONHAND_CONFIG: '', DATA_DIR: '/data' } });
  expect(withoutFile).toEqual(load(undefined, { DATA_DIR: '/data' }));
  const inProduction = loadConfig({ cwd, env: { NODE_ENV: 'production', DATA_DIR: '/data' } });
  expect(inProduction).toEqual(load(undefined, { NODE_ENV: 'production', DATA_DIR: '/data' }));
});

test('the example file shows every setting and names every environment variable', () => {
  const example = readFileSync('onhand.example.yaml', 'utf8');
  const { inventorySync, server, ledger, locks, log, channels } = load();
  const missing = keysOf({ inventorySync, server, ledger, locks, log, channels })
    .filter((key) => key !== 'server.rateLimitIsDefault')
    .map((key) => snakeCase(key.split('.').at(-1) ?? ''))
    .filter((key) => !new RegExp(`^ *(# )?${key}:`, 'm').test(example));
  expect(missing).toEqual([]);
  const own = 'DATABASE_URL DATA_DIR EMBEDDED_POSTGRES_PORT ADMIN_API_KEY ENCRYPTION_KEY NODE_ENV';
  const variables = [...environmentSettings.map(({ name }) => name), ...own.split(' ')];
  expect(variables.filter((name) => !example.includes(name))).toEqual([]);
});

test.each<[string, string, (c: Config) => unknown, unknown]>([
  ['IDEMP_TTL_MS', '1500', (c) => c.inventorySync.idempotency.ttlSeconds, 1.5],
  ['RETRY_BASE_MS', '20', (c) => c.inventorySync.propagation.backoffBaseMs, 20],
  ['RETRY_TIMES', '3', (c) => c.inventorySync.propagation.maxAttempts, 3],
  ['PORT', '0', (c) => c.server.port, 0],
  ['HOST', '0.0.0.0', (c) => c.server.host, '0.0.0.0'],
  ['RATE_LIMIT_RPS', '0.5', (c) => c.server.rateLimitRps, 0.5],
  ['RATE_LIMIT_BURST', '7', (c) => c.server.rateLimitBurst, 7],
  ['CONCURRENCY_API', '2', (c) => c.server.concurrencyApi, 2],
  ['CONCURRENCY_SYNC', '1', (c) => c.server.concurrencySync, 1],
  ['LOAD_SHED_QUEUE_MAX', '9', (c) => c.server.loadShedQueueMax, 9],
  ['BREAKER_THRESHOLD', '0.25', (c) => c.server.breakerThreshold, 0.25],
  ['BREAKER_COOLDOWN_MS', '50', (c) => c.server.breakerCooldownMs, 50],
  ['SNAPSHOT_EVERY_N_EVENTS', '4', (c) => c.ledger.snapshotEveryNEvents, 4],
  ['LOCKS_ENABLED', 'true', (c) => c.locks.enabled, true],
  ['LOCK_TTL_MS', '11', (c) => c.locks.ttlMs, 11],
  ['LOCK_RENEW_MS', '12', (c) => c.locks.renewMs, 12],
  ['LOCK_REJECT_STATUS', '423', (c) => c.locks.rejectStatus, 423],
  ['LOCK_RETRY_AFTER_MS', '13', (c) => c.locks.retryAfterMs, 13],
  ['LOG_LEVEL', 'debug', (c) => c.log.level, 'debug'],
  ['DATABASE_URL', 'postgres://u:p@db/x', (c) => c.database.url, 'postgres://u:p@db/x'],
  ['DATA_DIR', '/data', (c) => c.dataDir, '/data'],
  ['EMBEDDED_POSTGRES_PORT', '5444', (c) => c.embeddedPostgresPort, 5444],
  ['ADMIN_API_KEY', 'k3y', (c) => c.adminApiKey, 'k3y'],
  ['ENCRYPTION_KEY', 'ab'.repeat(32), (c) => c.encryptionKey, 'ab'.repeat(32)],
  ['NODE_ENV', 'test', (c) => c.environment, 'test'],
])('%s from the environment is taken over', (name, text, read, expected) => {
  expect(read(load(undefined, { [name]: text }))).toBe(expected);
});

test('every variable that overrules the file has a row in the table above', () => {
  const own = readFileSync(import.meta.filename, 'utf8');
  expect(environmentSettings.filter(({ name }) => !own.includes(`['${name}',`))).toEqual([]);
});

test('the environment wins over the file, and the rest of the group stays', () => {
  const config = load('server: { port: 4000, host: 0.0.0.0 }', { PORT: '5000', HOST: '' });
  expect(config.server).toMatchObject({ port: 5000, host: '0.0.0.0' });
});

test('ONHAND_CONFIG names the file, relative to the working directory', () => {
  const cwd = folderWith();
  writeFileSync(join(cwd, 'other.yaml'), 'log:\nserver:\n  port: 4001\n');
  const config = loadConfig({ cwd, env: { ONHAND_CONFIG: 'other.yaml' } });
  expect(config.server.port).toBe(4001);
});

test('a rate limit counts as explicit from the file and from the environment', () => {
  expect(load('server: { rate_limit_rps: 100 }').server.rateLimitIsDefault).toBe(false);
  expect(load('', { RATE_LIMIT_RPS: '100' }).server.rateLimitIsDefault).toBe(false);
  expect(load('server: { port: 1 }').server.rateLimitIsDefault).toBe(true);
});

function allowsPrivate(yaml: string, NODE_ENV: string): boolean {
  return load(yaml, { NODE_ENV }).channels.allowPrivateAddresses;
}

test('private addresses are allowed unless in production, and as the file says', () => {
  expect(allowsPrivate('', 'test')).toBe(true);
  expect(allowsPrivate('', 'production')).toBe(false);
  expect(allowsPrivate('channels: { allow_private_addresses: true }', 'production')).toBe(true);
  expect(allowsPrivate('channels: { allow_private_addresses: false }', 'test')).toBe(false);
});

test.each([
  ['server: { prot: 1 }', 'server.prot: found an unknown key; allowed: one of the keys port,'],
  ['sever: {}', 'sever: found an unknown key; allowed: one of the keys inventory_sync, server,'],
  [
    'inventory_sync: { propagation: { max_attempts: ten } }',
    'inventory_sync.propagation.max_attempts: found "ten"; allowed: a whole number from 1 to 1000',
  ],
  ['server: { port: 70000 }', 'server.port: found 70000; allowed: a whole number from 0 to 65535'],
  ['server: 5', 'server: found 5; allowed: settings by key: port, host'],
  ['server: { port: }', 'server.port: found null; allowed: a whole number'],
  ['log: { level: loud }', 'log.level: found "loud"; allowed: one of trace, debug, info'],
  ['- a', 'onhand.yaml: found ["a"]; allowed: settings by key: inventory_sync'],
  [
    'inventory_sync: { channels: [ { id: a, kind: Corner Shop } ] }',
    'inventory_sync.channels.0.kind: found "Corner Shop"; allowed: a kind of channel',
  ],
  [
    'inventory_sync: { monitoring: { alerting: { channels: [ { kind: fax } ] } } }',
    'alerting.channels.0.kind: found {"kind":"fax"}; allowed: settings with a kind: pagerduty,',
  ],
  [
    'inventory_sync: { monitoring: { alerting: { channels: [ { kind: slack, url: hooks } ] } } }',
    'channels.0.url: found a value that is not shown; allowed: a URL',
  ],
  [
    'inventory_sync: { reconciliation: { schedule: nightly } }',
    'schedule: found "nightly"; allowed: a cron line of five fields',
  ],
  [
    'inventory_sync: { reconciliation: { schedule: "0 25 * * *" } }',
    'schedule: found "0 25 * * *"; allowed: a cron line of five fields',
  ],
  ['server: { port: 1', 'onhand.yaml: found Flow map'],
  ['port: 1\nport: 2', 'onhand.yaml: found Map keys must be unique at line 2'],
  ['server: *nothing', 'onhand.yaml: found Unresolved alias'],
])('the file %j is refused with path, found and allowed', (yaml, expected) => {
  expect(complaintOf(yaml)).toContain(expected);
});

test.each([
  ['PORT', 'http', 'PORT: found "http"; allowed: a whole number from 0 to 65535'],
  ['PORT', '0x50', 'PORT: found "0x50"; allowed: a whole number'],
  ['IDEMP_TTL_MS', '0', 'IDEMP_TTL_MS: found "0"; allowed: a number from 1 to 31536000000'],
  ['LOCKS_ENABLED', 'yes', 'LOCKS_ENABLED: found "yes"; allowed: true or false'],
  ['NODE_ENV', 'prod', 'NODE_ENV: found "prod"; allowed: one of development, test, production'],
  [
    'DATABASE_URL',
    'mysql://u:hush@h/d',
    'DATABASE_URL: found a value that is not shown; allowed: post',
  ],
  ['ENCRYPTION_KEY', 'short', 'ENCRYPTION_KEY: found a value that is not shown; allowed: 32 bytes'],
  ['ADMIN_API_KEY', 'a b', 'ADMIN_API_KEY: found a value that is not shown; allowed: 1 to 255'],
  ['EMBEDDED_POSTGRES_PORT', 'any', 'EMBEDDED_POSTGRES_PORT: found "any"; allowed: a whole number'],
  [
    'ONHAND_FAILPOINT',
    'before_commit:1',
    'ONHAND_FAILPOINT: found "before_commit:1"; allowed: with',
  ],
  ['ONHAND_CONFIG', 'gone.yaml', 'gone.yaml, which is not there; allowed: the path of a readable'],
])('%s=%s is refused with its name, found and allowed', (name, value, expected) => {
  expect(complaintOf(undefined, { [name]: value })).toContain(expected);
});

test('a failpoint is armed where this is said to be a test, and nowhere else', () => {
  const failpoint = { ONHAND_FAILPOINT: 'after_commit:7' };
  expect(load('', { NODE_ENV: 'test', ...failpoint }).failpoint).toEqual({
    name: 'after_commit',
    pass: 7,
  });
  expect(load('', { NODE_ENV: 'test', ONHAND_FAILPOINT: '' })).not.toHaveProperty('failpoint');
  for (const NODE_ENV of ['production', 'development', '']) {
    expect(complaintOf('', { NODE_ENV, ...failpoint })).toContain('with NODE_ENV=test, and only');
  }
  for (const ONHAND_FAILPOINT of ['after_commit', 'after_commit:0', 'after_lunch:1', ':1']) {
    expect(complaintOf('', { NODE_ENV: 'test', ONHAND_FAILPOINT })).toContain('name:pass');
  }
});

test('all problems of file and environment are listed at once', () => {
  const yaml = 'server: { port: x, hots: y }\nlog: { level: loud }';
  const complaint = complaintOf(yaml, { PORT: 'z', NODE_ENV: 'prod' });
  for (const path of ['server.port', 'server.hots', 'log.level', 'PORT', 'NODE_ENV']) {
    expect(complaint).toContain(`  ${path}: found`);
  }
  expect(complaint.split('\n')).toHaveLength(6);
});

test('a broken file does not give its secrets away', () => {
  expect(complaintOf('log: { secret: hush-hush ]')).not.toContain('hush-hush');
});

test('nobody can change the configuration, however deep', () => {
  const config = load();
  expect(Object.isFrozen(config)).toBe(true);
  expect(Object.isFrozen(config.inventorySync.propagation)).toBe(true);
  expect(Object.isFrozen(config.inventorySync.channels[0])).toBe(true);
});

test('settings that do nothing yet are named when they are changed, and only then', () => {
  expect(load('')).toMatchObject({ withoutEffect: [] });
  expect(load('server: { concurrency_api: 16 }')).toMatchObject({ withoutEffect: [] });
  const changed = 'server: { concurrency_api: 4 }\nlocks: { enabled: true }';
  expect(load(changed)).toMatchObject({
    withoutEffect: ['server.concurrency_api', 'locks.enabled'],
  });
});

test('what the example marks as without effect is what is', () => {
  const example = readFileSync(new URL('../onhand.example.yaml', import.meta.url), 'utf8');
  const marked = example.split('\n').flatMap((line) => {
    const key = /^\s*([a-z0-9_]+):.*\[no effect yet\]/.exec(line)?.[1];
    return key === undefined ? [] : [key];
  });
  for (const key of marked) {
    expect(settingsWithoutEffect.some((path) => path.split('.').includes(key))).toBe(true);
  }
  for (const path of settingsWithoutEffect) {
    expect(path.split('.').some((key) => marked.includes(key))).toBe(true);
  }
});

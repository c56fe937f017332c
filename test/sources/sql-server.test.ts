import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createSqlKind } from '../../src/sources/sql/kind.ts';
import { merchantId } from '../support/stock.ts';
import { startFakePostgres, type FakePostgres } from './fake-postgres.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// Servers that queries are asked of: who says which one, and what one may do that is not well.

const kind = createSqlKind({ allowPrivateAddresses: true });
const query = `select 'a' as id, 'a' as sku, 1 as value, now() as observed_at where now() > :since`;
const config = kind.configSchema.parse({ query, storeId: 'main', quantity: 'onHand' });

const isTaken = (url: string): boolean => kind.credentialsSchema.safeParse({ url }).success;

describe('the URL of a server', () => {
  test.each([
    'postgres://reader:secret@db.example/stock',
    'postgresql://reader:se%40cret@db.example:6543/stock%20two',
    'postgres://reader:secret@[2001:db8::1]:5432/stock',
    'postgres://reader:secret@db.example/stock?sslmode=disable',
    'postgres://reader:secret@db.example/stock?sslmode=no-verify',
    'postgres://reader:secret@db.example/stock?sslmode=require',
    'postgres://reader:secret@db.example/stock?sslmode=verify-full',
  ])('is taken: %s', (url) => {
    expect(isTaken(url)).toBe(true);
  });

  test.each([
    ['no password, which would be ours', 'postgres://reader@db.example/stock'],
    ['an empty password', 'postgres://reader:@db.example/stock'],
    ['no user', 'postgres://:secret@db.example/stock'],
    ['no host', 'postgres://reader:secret@/stock'],
    ['no database', 'postgres://reader:secret@db.example'],
    ['a socket of this machine', 'postgres://reader:secret@%2Ftmp/stock'],
    ['port 0', 'postgres://reader:secret@db.example:0/stock'],
    ['a file of this machine', 'postgres://reader:secret@db.example/stock?sslcert=/dev/zero'],
    ['a file for its key', 'postgres://reader:secret@db.example/stock?sslkey=/dev/zero'],
    ['a file for its root', 'postgres://reader:secret@db.example/stock?sslrootcert=/dev/zero'],
    ['another host', 'postgres://reader:secret@db.example/stock?host=/tmp'],
    ['an unknown mode', 'postgres://reader:secret@db.example/stock?sslmode=maybe'],
    ['two modes', 'postgres://reader:secret@db.example/stock?sslmode=require&sslmode=disable'],
    ['text that is no UTF-8', 'postgres://reader:%ff@db.example/stock'],
    ['an end of text', 'postgres://reader:secret@db.example/a%00b'],
    ['another protocol', 'mysql://reader:secret@db.example/stock'],
  ])('is refused with %s', (_, url) => {
    expect(isTaken(url)).toBe(false);
  });
});

describe('a server', () => {
  let server: FakePostgres;
  beforeAll(async () => {
    server = await startFakePostgres();
  });
  afterAll(() => server.close());
  afterEach(() => vi.unstubAllEnvs());

  test('is told nothing of what the environment says to our own', async () => {
    vi.stubEnv('PGSSLMODE', 'no-verify');
    vi.stubEnv('PGPASSWORD', 'ours');
    const controller = new AbortController();
    const source = kind.open({
      merchantId,
      sourceId: 'erp',
      config,
      credentials: { url: server.url },
    });
    const read = source.changesSince(null, {
      limit: 10,
      signal: controller.signal,
      readAt: new Date(),
    });
    await Promise.race([server.asked, read]);
    expect(server.heard).toEqual([expect.stringContaining('user reader database stock'), 'secret']);
    controller.abort();
    await source.close?.();
  });
});

describe('with a database of its own', () => {
  let rig: SourcesRig;
  beforeAll(async () => {
    rig = await openSourcesRig();
  });
  afterAll(() => rig.close());

  const put = (url: string) =>
    rig.put({ sourceId: 'erp', kind: 'sql', config: { ...config }, credentials: { url } });

  test.each(['', '?sslmode=disable'])(
    'a source is read with a URL that ends with %j',
    async (end) => {
      await put(`${rig.connectionString}${end}`);
      expect(await rig.run('erp')).toMatchObject({ status: 'succeeded', read: 1 });
    },
  );

  test('TLS that was asked for is not given up', async () => {
    await put(`${rig.connectionString}?sslmode=require`);
    expect(await rig.run('erp')).toMatchObject({ status: 'failed', code: 'network' });
  });

  test('a URL that names files, of before they were refused, reads none of them', async () => {
    await put(rig.connectionString);
    const url = `${rig.connectionString}?sslcert=/etc/hostname`;
    await rig.pool.query(`update source set credentials = $1 where source_id = 'erp'`, [
      rig.context.secretBox.seal(
        JSON.stringify({ url }),
        JSON.stringify(['source', merchantId, 'erp']),
      ),
    ]);
    expect(await rig.run('erp')).toMatchObject({ status: 'failed', code: 'credentials_unusable' });
  });
});

test('at a private address is refused, and nothing comes of it later', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const broken: unknown[] = [];
  const note = (error: unknown): void => void broken.push(error);
  process.once('uncaughtException', note);
  onTestFinished(() => void process.off('uncaughtException', note));
  const url = 'postgres://reader:secret@10.0.0.5/stock';
  const careful = createSqlKind({ allowPrivateAddresses: false });
  const source = careful.open({ merchantId, sourceId: 'erp', config, credentials: { url } });
  const { signal } = new AbortController();
  const read = await source.changesSince(null, { limit: 10, signal, readAt: new Date() });
  expect(read).toMatchObject({ kind: 'failed', code: 'address_refused' });
  // Behind every timer of the driver.
  await vi.advanceTimersByTimeAsync(60_000);
  await source.close?.();
  expect(broken).toEqual([]);
});

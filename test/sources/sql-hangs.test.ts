import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { readPage } from '../../src/sources/read-page.ts';
import type { OpenSource, ReadOptions } from '../../src/sources/source.ts';
import { createSqlKind } from '../../src/sources/sql/kind.ts';
import { merchantId } from '../support/stock.ts';
import { startFakePostgres } from './fake-postgres.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// Servers that say nothing, too much, or never goodbye: one source's keeps no other source.

let rig: SourcesRig;
beforeAll(async () => {
  rig = await openSourcesRig();
});
afterAll(() => rig.close());
afterEach(() => vi.useRealTimers());

const kind = createSqlKind({ allowPrivateAddresses: true });
const columns = `n::text as id, 'a' as sku, n as value, to_timestamp(n) as observed_at`;

function open(url: string, from: string): OpenSource {
  const query = `select ${from} where to_timestamp(n) > :since`;
  const config = kind.configSchema.parse({ query, storeId: 'main', quantity: 'onHand' });
  return kind.open({ merchantId, sourceId: 'erp', config, credentials: { url } });
}

const reading = (signal = new AbortController().signal): ReadOptions => ({
  limit: 100,
  signal,
  readAt: new Date(),
});

test('a query that is not answered ends with its signal, and hangs up', async () => {
  const server = await startFakePostgres();
  const controller = new AbortController();
  const source = open(server.url, `${columns} from generate_series(1, 5) n`);
  try {
    const read = source.changesSince(null, reading(controller.signal));
    await server.asked;
    controller.abort();
    expect(await read).toEqual({ kind: 'failed', code: 'timeout' });
    await server.left;
    // Nothing is left of it: a read that is over before it began asks nothing, either.
    expect(await source.current?.([], reading(controller.signal))).toMatchObject({
      code: 'timeout',
    });
    await source.close?.();
  } finally {
    await server.close();
  }
});

test('a source whose read never ends is given up, whatever its kind', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const source: OpenSource = { changesSince: () => new Promise(() => undefined) };
  const controller = new AbortController();
  const read = readPage(source, { watermark: null, snapshot: null }, reading(controller.signal));
  // Not tried again.
  controller.abort();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(await read).toEqual({ kind: 'failed', code: 'timeout' });
});

test('a server that does not hang up is hung up on', async () => {
  const target = new URL(rig.connectionString);
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const database = connect(Number(target.port || 5432), target.hostname);
    sockets.push(client, database);
    for (const socket of [client, database]) socket.on('error', () => undefined);
    // What it answers comes through; that it is gone does not.
    client.on('data', (chunk) => database.write(chunk));
    database.on('data', (chunk) => client.write(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const source = open(url.href, `${columns} from generate_series(1, 5) n`);
  try {
    expect(await source.changesSince(null, reading())).toMatchObject({ kind: 'page' });
    await source.close?.();
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

test('an answer of more than 64 MB is a failure', async () => {
  const much = `${columns}, repeat('x', 8000000) as note from generate_series(1, 10) n`;
  const source = open(rig.connectionString, much);
  expect(await source.changesSince(null, reading())).toEqual({
    kind: 'failed',
    code: 'invalid_response',
  });
  // Several answers are no large one.
  const less = open(rig.connectionString, much.replace('(1, 10)', '(1, 5)'));
  for (const _ of [1, 2]) {
    expect(await less.changesSince(null, reading())).toMatchObject({ kind: 'page' });
  }
  await Promise.all([source.close?.(), less.close?.()]);
});

test('of what is asked on demand the newest rows are read, and not without end', async () => {
  const source = open(rig.connectionString, `${columns} from generate_series(1, 10050) n`);
  const read = await source.current?.(
    [{ sku: 'a', storeId: 'main', quantity: 'onHand' }],
    reading(),
  );
  const values = read?.kind === 'page' ? read.page.items.map(({ value }) => value) : [];
  expect([values.length, values[0], values.at(-1)]).toEqual([10_000, 51, 10_050]);
  await source.close?.();
});

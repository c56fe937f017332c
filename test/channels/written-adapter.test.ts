import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Change, ChannelAdapter, PublishResult } from '../../src/channels/index.ts';
import { FaultPlan } from '../../emulators/fault-plan.ts';
import { Emulator } from '../../emulators/emulator.ts';

// The adapter in docs/writing-an-adapter.md, as it stands there.

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const credentials = { token: 'sesame', webhookSecret: 'secret' };

type Shelf = { readonly stock: Record<string, number> };
type Item = { readonly id: string; readonly quantity: number };

let folder: string;
let code: string;
let adapter: ChannelAdapter;
let server: Emulator<Shelf>;

beforeAll(async () => {
  const document = await readFile(join(root, 'docs/writing-an-adapter.md'), 'utf8');
  code = /```ts\n([\s\S]*?)```/.exec(document)?.[1] ?? '';
  folder = await mkdtemp(join(tmpdir(), 'onhand-adapter-'));
  await mkdir(join(folder, 'src/channels/corner'), { recursive: true });
  await writeFile(join(folder, 'src/channels/corner/adapter.ts'), code);
  const leaves = (await readdir(join(root, 'src'))).filter((name) => name.endsWith('.ts'));
  const port = ['src/channels/adapter.ts', 'src/channels/inbound-event.ts'];
  const links = [...leaves.map((name) => `src/${name}`), ...port, 'node_modules'];
  for (const path of links) await symlink(join(root, path), join(folder, path));
  const tsconfig = { extends: join(root, 'tsconfig.json'), include: ['src/channels/corner'] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  const path = pathToFileURL(join(folder, 'src/channels/corner/adapter.ts')).href;
  const written = (await import(path)) as {
    createCornerAdapter(options: { allowPrivateAddresses: boolean }): ChannelAdapter;
  };
  adapter = written.createCornerAdapter({ allowPrivateAddresses: true });
  server = await Emulator.start<Shelf>({
    initial: { stock: { apple: 0, pear: 0 } },
    handle: ({ method, path: asked, headers, body }, { stock }) => {
      if (headers['authorization'] !== 'Bearer sesame') return { status: 401 };
      if (`${method} ${asked}` !== 'PUT /stock') return { status: 404 };
      const { items } = JSON.parse(body) as { items: readonly Item[] };
      const results = items.map(({ id, quantity }) => {
        if (!(id in stock)) return { id, error: 'unknown_item' };
        stock[id] = quantity;
        return { id, error: null };
      });
      return { status: 200, body: { results } };
    },
  });
});

afterAll(async () => {
  await adapter.close?.();
  await server.stop();
  await rm(folder, { recursive: true });
});

function publish(changes: readonly Change[], token = 'sesame'): Promise<PublishResult> {
  return adapter.publish(changes, {
    merchantId: 'default',
    channelId: 'corner',
    config: adapter.configSchema.parse({ baseUrl: server.url }),
    credentials: adapter.credentialsSchema.parse({ ...credentials, token }),
    messageId: 'msg_1',
    signal: AbortSignal.timeout(60_000),
    now: () => new Date(),
  });
}

function change(sku: string, available: number, externalIds: unknown): Change {
  const recordedAt = new Date(0);
  const figures = { available, onHand: available, version: 1, recordedAt, previous: null };
  return { storeId: 'main', sku, externalIds, ...figures };
}

test('the adapter of the document has fewer than 100 lines and the types of the port', async () => {
  expect(code.trimEnd().split('\n').length).toBeLessThan(100);
  const tsc = join(root, 'node_modules/.bin/tsc');
  const checked = await run(tsc, ['--noEmit', '-p', folder], { cwd: root }).catch(
    (error: unknown) => error as { stdout: string },
  );
  expect(checked.stdout).toBe('');
});

test('it sets stock, and says what became of each change', async () => {
  const result = await publish([
    change('A', 5, { itemId: 'apple' }),
    change('B', 6, { itemId: 'plum' }),
    change('C', 7, null),
    change('D', 8, { itemId: 'pear' }),
  ]);
  expect(result).toEqual({
    ok: true,
    httpStatus: 200,
    outcomes: [
      { kind: 'applied' },
      { kind: 'refused', code: 'unknown_item' },
      { kind: 'refused', code: 'not_mapped' },
      { kind: 'applied' },
    ],
  });
  expect(server.state.stock).toEqual({ apple: 5, pear: 8 });
  const slips = new FaultPlan([{ share: 1, fault: { kind: 'status', status: 200, body: '<p>' } }]);
  server.faults = slips;
  const unread = await publish([change('A', 6, { itemId: 'apple' })]);
  expect(unread).toMatchObject({ failure: { code: 'invalid_response' } });
  server.faults = new FaultPlan();
  const failed = await publish([change('A', 6, { itemId: 'apple' })], 'wrong');
  expect(failed).toMatchObject({ ok: false, failure: { code: 'http_401', scope: 'request' } });
});

test('it takes orders that are signed, and no others', () => {
  const order = {
    number: '7',
    version: 3,
    state: 'confirmed',
    changedAt: '2026-11-21T00:00:00Z',
    lines: [{ itemId: 'apple', quantity: 2 }],
  };
  const body = Buffer.from(JSON.stringify(order));
  const signature = createHmac('sha256', 'secret').update(body).digest('hex');
  const context = { config: {}, credentials, now: () => new Date() };
  const authenticate = (headers: Record<string, string>) => {
    return adapter.authenticate?.({ headers, body, url: 'https://us/' }, context);
  };
  const headers = { 'x-corner-event': 'e1', 'x-corner-signature': signature };
  expect(authenticate(headers)).toEqual({ ok: true, webhookId: 'e1', topic: 'order' });
  const forged = `00${signature.slice(2)}`;
  expect(authenticate({ ...headers, 'x-corner-signature': forged })).toEqual({ ok: false });
  expect(authenticate({ 'x-corner-event': 'e1' })).toEqual({ ok: false });
  expect(adapter.translate?.('order', { headers, body }, {})).toEqual([
    {
      kind: 'order',
      orderId: '7',
      status: 'confirmed',
      revision: 3,
      occurredAt: new Date('2026-11-21T00:00:00Z'),
      lines: [{ lineId: 'apple', listingKey: 'apple', sku: null, locationId: null, quantity: 2 }],
    },
  ]);
});

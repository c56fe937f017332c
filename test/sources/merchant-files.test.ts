import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../src/ids.ts';
import { runSource } from '../../src/sources/index.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createDataDir } from '../support/data-dir.ts';

// Files of several merchants on one machine.

/** A name that leads elsewhere where it is taken for a path. */
const stranger = '../feeds';

let data: Awaited<ReturnType<typeof createDataDir>>;
let app: TestApp;
beforeAll(async () => {
  data = await createDataDir();
  app = await startTestApp({ env: { DATA_DIR: data.path } });
  for (const merchantId of [stranger, 'acme']) {
    await app.call('PUT', `/api/merchants/${encodeURIComponent(merchantId)}`, { body: {} });
  }
});
afterAll(async () => {
  await app.close();
  await data.remove();
});

async function write(path: string, skus: readonly string[]): Promise<void> {
  const file = join(data.path, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, ['sku,value', ...skus.map((sku) => `${sku},5`)].join('\n'));
}

async function readFile(merchantId: string) {
  const headers = { 'X-Merchant-Id': merchantId };
  const config = { path: 'stock.csv', storeId: 'main', quantity: 'onHand' };
  const body = { kind: 'csv', config, owns: [{ quantity: 'onHand' }] };
  const made = await app.call('PUT', '/api/sources/file', { headers, body });
  expect(made.status).toBeLessThan(202);
  const result = await runSource(app.core.sources, {
    merchantId,
    sourceId: 'file',
    runId: newId('run'),
    trigger: 'request',
    signal: new AbortController().signal,
  });
  return result.ok ? result.value : result.refusal;
}

test('a merchant reads the files of its own folder, and nobody else’s', async () => {
  await write('feeds/stock.csv', ['a', 'b', 'c']);
  expect(await readFile('default')).toMatchObject({ status: 'succeeded', read: 3 });
  for (const merchantId of [stranger, 'acme']) {
    const unreadable = { status: 'failed', code: 'file_unreadable', read: 0 };
    expect(await readFile(merchantId)).toMatchObject(unreadable);
  }
  await write('merchant-feeds/acme/stock.csv', ['d', 'e']);
  await write('merchant-feeds/..%2Ffeeds/stock.csv', ['f']);
  expect(await readFile('acme')).toMatchObject({ status: 'succeeded', read: 2 });
  expect(await readFile(stranger)).toMatchObject({ status: 'succeeded', read: 1 });
});

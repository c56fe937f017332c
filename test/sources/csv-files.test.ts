import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Emulator } from '../../emulators/emulator.ts';
import { parseInTurns } from '../../src/sources/csv/parse-in-turns.ts';
import { newSku } from '../support/stock.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// Files as other systems write them.

let rig: SourcesRig;
let feedFolder = '';
beforeAll(async () => {
  feedFolder = await mkdtemp(join(tmpdir(), 'feeds-'));
  rig = await openSourcesRig({ feedFolder });
});
afterAll(async () => {
  await rig.close();
  await rm(feedFolder, { recursive: true });
});
afterEach(async () => {
  await rig.pool.query('delete from source');
});

const write = (lines: readonly string[]): Promise<void> =>
  writeFile(join(feedFolder, 'stock.csv'), `${lines.join('\n')}\n`);
const putFile = (more: { readonly batchSize?: number } = {}) => {
  const config = { path: 'stock.csv', storeId: 'main' };
  return rig.put({ sourceId: 'file', kind: 'csv', config, ...more });
};

test('movements without an id count once for each file that brings them', async () => {
  const sku = newSku();
  await putFile();
  await write(['sku,op,value', `${sku},adjust,5`]);
  await rig.run('file');
  await rig.run('file');
  expect(await rig.quantity(sku)).toBe(5);
  await write(['sku,op,value', `${sku},adjust,7`]);
  expect(await rig.run('file')).toMatchObject({ applied: 1, unchanged: 0 });
  expect(await rig.quantity(sku)).toBe(12);
});

test.each([
  { batchSize: undefined, pages: 3 },
  { batchSize: 101, pages: 1 },
])('pages are short ($batchSize: $pages)', async ({ batchSize, pages }) => {
  await putFile(batchSize === undefined ? {} : { batchSize });
  await write(['sku,value', ...Array.from({ length: 101 }, (_, line) => `${newSku()},${line}`)]);
  expect(await rig.run('file')).toMatchObject({ status: 'succeeded', applied: 101, pages });
});

test.each([',', ';', '\t'])('a file is separated by what its first line says: %j', async (by) => {
  const sku = newSku();
  await putFile();
  await write([['sku', '"value"', '"a, note; of\tit"'].join(by), [sku, '8', '"x"'].join(by)]);
  expect(await rig.run('file')).toMatchObject({ status: 'succeeded', applied: 1 });
  expect(await rig.quantity(sku)).toBe(8);
});

test.each(['folder', 'url'])('a file that is not UTF-8 changes nothing (%s)', async (from) => {
  const sku = `${newSku()}-Grün`;
  let body = Buffer.from('');
  const server = await Emulator.start({ initial: {}, handle: () => ({ status: 200, body }) });
  const place = from === 'url' ? { url: `${server.url}/stock.csv` } : { path: 'stock.csv' };
  const config = { ...place, storeId: 'main' };
  await rig.put({ sourceId: 'file', kind: 'csv', mode: 'full', config });
  const run = async (encoding: BufferEncoding, value: number) => {
    body = Buffer.from(`sku,value\n${sku},${value}\n`, encoding);
    await writeFile(join(feedFolder, 'stock.csv'), body);
    return await rig.run('file');
  };
  try {
    expect(await run('utf8', 8)).toMatchObject({ status: 'succeeded', applied: 1 });
    expect(await run('latin1', 9)).toMatchObject({ status: 'failed', code: 'invalid_encoding' });
    expect(await rig.quantity(sku)).toBe(8);
  } finally {
    await server.stop();
  }
});

test('while a large file is parsed, other work goes on', async () => {
  // Characters of three bytes, so that some lie in two slices.
  const names = Array.from({ length: 20_000 }, (_, index) => `名前-${index}`);
  const text = ['sku,value', ...names.map((name) => `${name},7`)].join('\n');
  const parsing = { isOver: false };
  const records = parseInTurns(text, ',').finally(() => (parsing.isOver = true));
  let turns = 0;
  while (!parsing.isOver) {
    await nextTurn();
    turns += 1;
  }
  expect((await records)?.map(({ sku }) => sku)).toEqual(names);
  expect(turns).toBeGreaterThan(5);
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
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
const putFile = () =>
  rig.put({ sourceId: 'file', kind: 'csv', config: { path: 'stock.csv', storeId: 'main' } });

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

test.each([',', ';', '\t'])('a file is separated by what its first line says: %j', async (by) => {
  const sku = newSku();
  await putFile();
  await write([['sku', '"value"', '"a, note; of\tit"'].join(by), [sku, '8', '"x"'].join(by)]);
  expect(await rig.run('file')).toMatchObject({ status: 'succeeded', applied: 1 });
  expect(await rig.quantity(sku)).toBe(8);
});

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { FaultPlan } from '../../emulators/fault-plan.ts';
import { startSeller, type Seller } from '../../emulators/square/seller.ts';
import { createDataDir } from '../support/data-dir.ts';
import { DeliveryRig, merchantId } from '../jobs/delivery-rig.ts';
import { run, type Ran } from './run.ts';
import type { BadRow } from '../../src/cli/listing-file.ts';

let rig: DeliveryRig;
let seller: Seller;
let folder: Awaited<ReturnType<typeof createDataDir>>;

beforeAll(async () => {
  rig = await DeliveryRig.open();
  folder = await createDataDir();
  seller = await startSeller({ seed: { skus: { mug: 5, lamp: 5, vase: 5 } } });
  const { config, credentials } = seller;
  await rig.connectVendor(seller.server, 'till', { kind: 'square', config, credentials });
  await rig.connectVendor(seller.server, 'away', {
    kind: 'square',
    config: { baseUrl: 'http://127.0.0.1:9' },
    credentials,
  });
  await rig.setLevel('mug', 3);
  await rig.setLevel('lamp', 4);
});

afterAll(async () => {
  await seller?.server.stop();
  await rig?.close();
  await folder?.remove();
});

function listings(...args: string[]): Promise<Ran> {
  return listingsOf({}, ...args);
}

function listingsOf(more: { signal?: AbortSignal }, ...args: string[]): Promise<Ran> {
  return run(rig.database.connectionString, ['listings', ...args], {
    env: { DATA_DIR: folder.path, ENCRYPTION_KEY: '11'.repeat(32) },
    ...more,
  });
}

async function fileOf(...lines: string[]): Promise<string> {
  const path = join(folder.path, 'listings.csv');
  await writeFile(path, lines.join('\n'));
  return path;
}

async function mapping(): Promise<Record<string, unknown>> {
  const { rows } = await rig.inspector.query<{ sku: string; external_ids: unknown }>(
    `select sku, external_ids from listing where channel_id = 'till' order by sku`,
  );
  return Object.fromEntries(rows.map((row) => [row.sku, row.external_ids]));
}

test('what a channel sells is found, and listed where there is no doubt', async () => {
  const shown = await listings('discover', 'till', '--json');
  expect(shown.code).toBe(0);
  const { items } = JSON.parse(shown.stdout) as { items: Record<string, unknown>[] };
  expect(items).toHaveLength(3);
  expect(items).toContainEqual({
    externalIds: seller.idsOf('mug'),
    channelSku: 'mug',
    title: expect.any(String),
    location: expect.objectContaining({ id: seller.idsOf('mug').locationId }),
    quantity: 5,
    listing: null,
    suggestion: { storeId: 'main', sku: 'mug' },
  });
  // Nobody has counted the vase.
  expect(items.find(({ channelSku }) => channelSku === 'vase')).toMatchObject({
    listing: null,
    suggestion: null,
  });
  expect(await mapping()).toEqual({});
  expect(await listings('discover', 'till', '--apply')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('2 listed'),
  });
  expect(await mapping()).toEqual({ mug: seller.idsOf('mug'), lamp: seller.idsOf('lamp') });
  const again = await listings('discover', 'till', '--apply', '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({ listed: 0 });
});

test('of two items with one SKU nobody knows which it is, on any pages', async () => {
  let throttled = 2;
  const paged = await startSeller({
    seed: { skus: { mug: 1, tray: 1 } },
    pageSize: 1,
    faults: new FaultPlan([
      {
        route: '/v2/catalog/list',
        get share() {
          return throttled-- > 0 ? 1 : 0;
        },
        fault: { kind: 'status', status: 429, headers: { 'retry-after': '0' } },
      },
    ]),
  });
  onTestFinished(() => paged.server.stop());
  paged.state.variations['V9'] = { id: 'V9', sku: 'mug', name: 'Another mug' };
  const { config, credentials } = paged;
  await rig.connectVendor(paged.server, 'paged', { kind: 'square', config, credentials });
  await rig.setLevel('tray', 2);
  const stopped = { signal: AbortSignal.abort() };
  expect(await listingsOf(stopped, 'discover', 'paged', '--apply')).toMatchObject({ code: 130 });
  // What the channel wants slower is asked for again.
  const applied = await listings('discover', 'paged', '--apply', '--json');
  expect(throttled).toBeLessThan(0);
  const { items, listed } = JSON.parse(applied.stdout) as { items: object[]; listed: number };
  expect({ items: items.length, listed }).toEqual({ items: 3, listed: 1 });
  const { rows } = await rig.inspector.query(
    "select sku, external_ids from listing where channel_id = 'paged'",
  );
  expect(rows).toEqual([{ sku: 'tray', external_ids: paged.idsOf('tray') }]);
});

test('a channel that does not answer is no channel that sells nothing', async () => {
  const ran = await listings('discover', 'away', '--apply');
  expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('connection_refused') });
});

test('a file is imported row by row, and what cannot be used is told with its line', async () => {
  const { catalogObjectId, locationId } = seller.idsOf('vase');
  const path = await fileOf(
    'sku;storeId;catalogObjectId;locationId',
    `vase;;${catalogObjectId};${locationId}`,
    `vase;main;${catalogObjectId};${locationId}`,
    `cup;nowhere;C1;${locationId}`,
    `cup;main;;`,
    `cup;main;C 1;${locationId}`,
    `cup;main;C1`,
    `shared;main;${catalogObjectId};${locationId}`,
  );
  const dry = await listings('import', 'till', path, '--dry-run', '--json');
  const report = { listed: 2, badRows: 5, stopped: false };
  expect(JSON.parse(dry.stdout)).toMatchObject({ ...report, dryRun: true });
  expect(await mapping()).not.toHaveProperty('vase');
  const ran = await listings('import', 'till', path, '--json');
  expect(ran.code).toBe(1);
  const { problems, ...rest } = JSON.parse(ran.stdout) as { problems: BadRow[] };
  expect(rest).toEqual({ ...report, dryRun: false });
  expect(problems.map(({ line, code }) => `${line} ${code}`).toSorted()).toEqual([
    '3 repeated',
    '4 store_unknown',
    '5 ids_missing',
    '6 ids_unusable',
    '7 unreadable',
  ]);
  for (const { line, code, problem } of problems) {
    expect(ran.stderr).toContain(`line ${line}: ${code}: ${problem}\n`);
  }
  expect(await mapping()).toMatchObject({
    vase: seller.idsOf('vase'),
    shared: seller.idsOf('vase'),
  });
});

test('a check finds ids that are shared, and listings without a level', async () => {
  await rig.inspector.query(
    `insert into listing (merchant_id, channel_id, sku, location_id, external_ids)
     values ('${merchantId}', 'till', 'odd', 'main', '{"productId": 7}'),
            ('${merchantId}', 'till', 'bare', 'main', null)`,
  );
  const ran = await listings('check', 'till', '--json');
  expect(ran.code).toBe(1);
  const none = { storeId: 'main', other: null };
  expect(JSON.parse(ran.stdout)).toEqual({
    checked: 6,
    found: 7,
    problems: [
      { ...none, code: 'ids_missing', sku: 'bare' },
      { ...none, code: 'no_level', sku: 'bare' },
      { ...none, code: 'ids_unusable', sku: 'odd' },
      { ...none, code: 'no_level', sku: 'odd' },
      { ...none, code: 'no_level', sku: 'shared' },
      { ...none, code: 'ids_shared', sku: 'vase', other: { storeId: 'main', sku: 'shared' } },
      { ...none, code: 'no_level', sku: 'vase' },
    ],
  });
  await rig.inspector.query(`delete from listing where sku not in ('mug', 'lamp')`);
  expect(await listings('check', 'till')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('2 listings, 0 problems'),
  });
});

test('what is exported can be imported', async () => {
  const before = await mapping();
  const path = join(folder.path, 'exported.csv');
  expect((await listings('export', 'till', '--to', path)).code).toBe(0);
  const { stdout } = await listings('export', 'till');
  expect(stdout).toBe(await readFile(path, 'utf8'));
  expect(stdout.split('\n')[0]).toBe('sku,storeId,catalogObjectId,locationId');
  await rig.inspector.query('delete from listing');
  expect((await listings('import', 'till', path)).code).toBe(0);
  expect(await mapping()).toEqual(before);
});

test('a channel that is not there is a mistake of the caller', async () => {
  expect(await listings('check', 'nowhere')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('There is no channel "nowhere"'),
  });
});

import { expect, onTestFinished, test } from 'vitest';
import type { DiscoveredItem, DiscoverResult } from '../../../src/channels/adapter.ts';
import type { AccountOptions } from '../../../emulators/amazon/account.ts';
import { tokenUrlOf } from '../../../src/channels/amazon/settings.ts';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { AccountRig, skus } from './account-rig.ts';

async function open(options: AccountOptions = {}): Promise<AccountRig> {
  const rig = await AccountRig.open(options);
  onTestFinished(() => rig.close());
  return rig;
}

function listingsOf(names: readonly (string | null)[]) {
  return names.map((sku, i) => {
    return { storeId: 'main', sku: `x${i}`, externalIds: sku === null ? null : { sku } };
  });
}

test('what Amazon shows is read by twenties, in the order asked for', async () => {
  const rig = await open({ seed: { skus: { ...skus(50, 7), 'a,b': 3 }, shippedByAmazon: ['F'] } });
  rig.account.sell('S41', 2);
  const names = ['S41', null, 'S99', 'a,b', 'F', ...Object.keys(skus(40, 0))];
  const read = await rig.adapter.read?.(listingsOf(names), rig.context());
  expect(read).toEqual({
    ok: true,
    quantities: [5, null, null, 3, null, ...Array.from({ length: 40 }, () => 7)],
  });
  // 43 by twenties, and the one with a comma alone.
  expect(rig.count('GET /listings/2021-08-01/items/A1SELLER')).toBe(4);
  expect(rig.account.state.invalid).toEqual([]);
  expect(rig.account.state.invalidAnswers).toEqual([]);
});

test('many are read no faster than Amazon allows', async () => {
  // Real seconds: 7 requests, 20 a second, five of them at once.
  const rig = await AccountRig.open({ seed: { skus: skus(140, 7) }, now: Date.now, speed: 4 });
  onTestFinished(() => rig.close());
  rig.account.state.buckets['searchListingsItems'] = { tokens: 5, at: Date.now() };
  const names = Object.keys(skus(140, 0));
  const read = await rig.adapter.read?.(listingsOf(names), rig.context({ now: () => new Date() }));
  expect(read).toEqual({ ok: true, quantities: names.map(() => 7) });
  expect(rig.count('GET /listings/2021-08-01/items/A1SELLER')).toBe(7);
});

test('one listing is read by its name, and may be none', async () => {
  const rig = await open({ seed: { skus: { 'A/B ü': 4 } } });
  const read = (sku: string) => rig.adapter.read?.(listingsOf([sku]), rig.context());
  expect(await read('A/B ü')).toEqual({ ok: true, quantities: [4] });
  expect(await read('C')).toEqual({ ok: true, quantities: [null] });
  await rig.accepted(rig.change('A/B ü', 9));
  rig.pass(1_000);
  expect(await read('A/B ü')).toEqual({ ok: true, quantities: [9] });
  expect(rig.account.state.invalid).toEqual([]);
});

async function discoverAll(rig: AccountRig): Promise<readonly DiscoveredItem[]> {
  const items: DiscoveredItem[] = [];
  let cursor: string | null = null;
  do {
    const page: DiscoverResult | undefined = await rig.adapter.discover?.(cursor, rig.context());
    if (page?.ok !== true) throw new Error('the page was not read');
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}

test('every listing that the seller ships is discovered, and none that Amazon ships', async () => {
  const rig = await open({ seed: { skus: skus(45, 7), shippedByAmazon: ['F0', 'F1'] } });
  const items = await discoverAll(rig);
  expect(items).toHaveLength(45);
  expect(items).toContainEqual({
    externalIds: { sku: 'S44', productType: 'LUGGAGE' },
    sku: 'S44',
    title: 'Item S44',
    quantity: 7,
  });
  expect(rig.account.state.invalid).toEqual([]);
  expect(rig.account.state.invalidAnswers).toEqual([]);
});

test('discovery goes on where Amazon pages no farther', async () => {
  const rig = await open({ seed: { skus: skus(2_100, 1) } });
  const items = await discoverAll(rig);
  expect(new Set(items.map(({ sku }) => sku)).size).toBe(2_100);
});

test.each(['{', '{"seen":"x"}'])('the cursor %s is none of ours', async (cursor) => {
  const rig = await open();
  expect(await rig.adapter.discover?.(cursor, rig.context())).toMatchObject({
    failure: { code: 'invalid_cursor', scope: 'request' },
  });
});

test.each([
  [{ sku: 'A b/c' }, 'A b/c'],
  [{ sku: 'A', productType: 'SHOES' }, 'A'],
  [{ sku: 'A', productType: 'shoes' }, ''],
  [{ sku: '' }, ''],
  [{ sku: '..' }, ''],
  [null, ''],
])('the ids %j have the key %j', async (externalIds, key) => {
  const rig = await open();
  expect(rig.adapter.listingKey?.(externalIds)).toBe(key);
});

const home = { sellerId: 'A1', marketplaceIds: ['A1PA6795UKMFR9'] };

test.each([
  [home, true],
  [{ ...home, feedThreshold: 51, baseUrl: 'https://sandbox.example' }, true],
  [{ ...home, marketplaceIds: ['A1PA6795UKMFR9', 'A13V1IB3VIYZZH'] }, true],
  [{ ...home, marketplaceIds: ['M1'] }, false],
  [{ ...home, marketplaceIds: ['M1'], region: 'eu' }, true],
  [{ ...home, marketplaceIds: ['M1'], baseUrl: 'https://sandbox.example' }, true],
  [{ ...home, region: 'mars' }, false],
  [{ ...home, sellerId: '../A1' }, false],
  [{ ...home, sellerId: '..' }, false],
  [{ ...home, sellerId: 'A1.b_c-d' }, true],
  [{ ...home, marketplaceIds: [] }, false],
  [{ ...home, feedThreshold: 0 }, false],
  [{ ...home, tokenUrl: 'ftp://x' }, false],
  [{ ...home, speed: 1 }, false],
])('the settings %j are taken: %s', async (config, isTaken) => {
  const rig = await open();
  expect(rig.adapter.configSchema.safeParse(config).success).toBe(isTaken);
});

test('a seller in marketplaces is an address, at Amazon’s host of their region', async () => {
  const { adapter } = await open();
  const addressOf = (more: object) =>
    adapter.address(adapter.configSchema.parse({ ...home, ...more }));
  expect(addressOf({})).toBe('https://sellingpartnerapi-eu.amazon.com/A1/A1PA6795UKMFR9');
  expect(addressOf({ marketplaceIds: ['ATVPDKIKX0DER'] })).toMatch(/^https:\/\/\S+-na\.amazon/);
  expect(addressOf({ marketplaceIds: ['A1VC38T7YXB528'] })).toMatch(/^https:\/\/\S+-fe\.amazon/);
});

test('a read asks for no more than Amazon lets us at once', async () => {
  const names = Object.keys(skus(100, 0));
  // The account's clock stands still: no call is given back.
  const rig = await open({ seed: { skus: skus(100, 7) }, speed: 1 });
  expect(names).toHaveLength(rig.adapter.maxRead ?? rig.adapter.maxBatch);
  expect(await rig.adapter.read?.(listingsOf(names), rig.context())).toEqual({
    ok: true,
    quantities: names.map(() => 7),
  });
});

test('an answer in between says nothing about a listing', async () => {
  const rig = await open({ seed: { skus: skus(1, 7) } });
  const fault = { kind: 'status', status: 404, body: '<html>' } as const;
  rig.account.server.faults = new FaultPlan([{ route: '/S0', share: 1, fault }]);
  expect(await rig.adapter.read?.(listingsOf(['S0']), rig.context())).toMatchObject({
    ok: false,
    failure: { code: 'http_404', scope: 'channel' },
  });
});

test.each([
  ['https://token.example', 'https://token.example/auth/o2/token'],
  ['https://token.example/', 'https://token.example/auth/o2/token'],
  ['https://token.example/own', 'https://token.example/own'],
])('tokens of %s are asked for at %s', async (tokenUrl, expected) => {
  const { adapter } = await open();
  expect(tokenUrlOf(adapter.configSchema.parse({ ...home, tokenUrl }))).toBe(expected);
});

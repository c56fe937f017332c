import { expect, onTestFinished, test } from 'vitest';
import type { DiscoveredItem, DiscoverResult } from '../../../src/channels/adapter.ts';
import type { AccountOptions } from '../../../emulators/ebay/account.ts';
import { tokenUrlOf } from '../../../src/channels/ebay/settings.ts';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { AccountRig, changeOf, skus } from './account-rig.ts';

async function open(options: AccountOptions = {}): Promise<AccountRig> {
  const rig = await AccountRig.open(options);
  onTestFinished(() => rig.close());
  return rig;
}

test('what eBay shows is read in order: 0 without a listing, null without an offer', async () => {
  const rig = await open({ seed: { skus: skus(6, 7) } });
  rig.account.sell('S1', 3);
  const ended = rig.account.idsOf('S2');
  await rig.outcomes([changeOf('S2', 0, ended, 7)], { zeroHandling: 'withdraw' });
  const asked = [rig.account.idsOf('S5'), rig.account.idsOf('S1'), null, { offerId: '1' }, ended];
  const listings = asked.map((externalIds, i) => ({ storeId: 'main', sku: `x${i}`, externalIds }));
  const read = await rig.adapter.read?.(listings, rig.context());
  expect(read).toEqual({ ok: true, quantities: [7, 4, null, null, 0] });
});

test('a read that fails tells no figures', async () => {
  const rig = await open({ seed: { skus: skus(2, 7) } });
  rig.account.server.faults = new FaultPlan([
    { route: '/offer/7002', share: 1, fault: { kind: 'status', status: 500 } },
  ]);
  const listings = ['S0', 'S1'].map((sku) => {
    return { storeId: 'main', sku, externalIds: rig.account.idsOf(sku) };
  });
  expect(await rig.adapter.read?.(listings, rig.context())).toMatchObject({
    ok: false,
    failure: { code: 'http_500' },
  });
});

const unknown = { status: 404, body: { errors: [{ errorId: 25_710, domain: 'API_INVENTORY' }] } };

test('an offer that is gone, by whatever number, is null and spoils no other', async () => {
  const rig = await open({ seed: { skus: skus(3, 7) } });
  const { offerId } = rig.account.idsOf('S1') as { offerId: string };
  const fault = { kind: 'status', ...unknown } as const;
  rig.account.server.faults = new FaultPlan([{ route: `/offer/${offerId}`, share: 1, fault }]);
  const listings = ['S0', 'S1', 'S2'].map((sku) => {
    return { storeId: 'main', sku, externalIds: rig.account.idsOf(sku) };
  });
  expect(await rig.adapter.read?.(listings, rig.context())).toEqual({
    ok: true,
    quantities: [7, null, 7],
  });
  rig.account.server.faults = new FaultPlan([{ route: '/offer', share: 1, fault }]);
  expect(await discoverAll(rig)).toEqual([]);
  // A gateway knows nothing of offers.
  const other = { kind: 'status', status: 404, body: 'no page' } as const;
  rig.account.server.faults = new FaultPlan([{ route: '/offer', share: 1, fault: other }]);
  expect(await rig.adapter.read?.(listings, rig.context())).toMatchObject({ ok: false });
});

test('an offer without a status is one that has a listing', async () => {
  const rig = await open({ seed: { skus: skus(1, 7) } });
  const body = { offerId: '7001', availableQuantity: 5 };
  const fault = { kind: 'status', status: 200, body } as const;
  rig.account.server.faults = new FaultPlan([{ route: '/offer/', share: 1, fault }]);
  const listings = [{ storeId: 'main', sku: 'S0', externalIds: rig.account.idsOf('S0') }];
  expect(await rig.adapter.read?.(listings, rig.context())).toEqual({ ok: true, quantities: [5] });
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

const ways = ['pages', 'records'] as const;

test.each(ways)('every offer is discovered, over all pages, by %s', async (paging) => {
  const rig = await open({ paging, seed: { skus: skus(51, 7), variations: [{ V0: 1, V1: 2 }] } });
  rig.account.state.titles['unsold'] = 'Not offered';
  const items = await discoverAll(rig);
  expect(items).toHaveLength(53);
  expect(items.at(-1)).toEqual({
    externalIds: rig.account.idsOf('V1'),
    sku: 'V1',
    title: 'Item V1',
    location: { id: 'EBAY_US', name: null },
    quantity: 2,
  });
  const keys = items.map(({ externalIds }) => rig.adapter.listingKey?.(externalIds));
  expect(new Set(keys).size).toBe(53);
  expect(rig.account.state.invalid).toEqual([]);
});

test.each(ways)('an inventory of whole pages ends with its last page, by %s', async (paging) => {
  const rig = await open({ paging, seed: { skus: skus(75, 7) } });
  expect(await discoverAll(rig)).toHaveLength(75);
  const lists = rig.account.server.journal.filter(({ request }) => {
    return request.path.endsWith('/inventory_item');
  });
  expect(lists).toHaveLength(3);
});

test('credentials are good when they open the inventory', async () => {
  const rig = await open();
  expect(await rig.adapter.verify?.(rig.context())).toEqual({ ok: true, httpStatus: 200 });
  const credentials = { ...rig.account.credentials, refreshToken: 'other' };
  expect(await rig.adapter.verify?.(rig.context({ credentials }))).toMatchObject({
    failure: { code: 'invalid_grant' },
  });
});

test('variations of one listing share its revisions', async () => {
  const rig = await open({ seed: { skus: skus(1, 1), variations: [{ V0: 1, V1: 2 }] } });
  const subject = (externalIds: unknown) => rig.adapter.revisions?.subject(externalIds);
  const { account } = rig;
  expect(subject(account.idsOf('V0'))).toBe(subject(account.idsOf('V1')));
  expect(subject(account.idsOf('V0'))).not.toBe(subject(account.idsOf('S0')));
  expect(subject({ offerId: '7002' })).not.toBe(subject({ offerId: '7003' }));
  expect(subject(null)).toBeNull();
});

test.each([
  [{ offerId: '7001' }, '7001'],
  [{ offerId: '7001', listingId: '1100' }, '7001'],
  [{ offerId: '7001', sku: 'S0' }, '7001'],
  [{ sku: 'S0' }, ''],
  [{ offerId: '../7001' }, ''],
  [null, ''],
])('the ids %j have the key %j', async (externalIds, key) => {
  const rig = await open();
  expect(rig.adapter.listingKey?.(externalIds)).toBe(key);
});

test.each([
  [{}, true],
  [{ zeroHandling: 'withdraw', revisionsPerDay: 100, dayTimeZone: 'Europe/Berlin' }, true],
  [{ baseUrl: 'https://ebay.example', tokenUrl: 'https://token.example/t' }, true],
  [{ revisionsPerDay: 251 }, false],
  [{ offersPerRequest: 26 }, false],
  [{ dayTimeZone: 'Mars/Olympus' }, false],
  [{ language: 'english' }, false],
  [{ baseUrl: 'ftp://x' }, false],
])('the settings %j are taken: %s', async (config, isTaken) => {
  const rig = await open();
  expect(rig.adapter.configSchema.safeParse(config).success).toBe(isTaken);
});

test.each([
  ['https://token.example', 'https://token.example/identity/v1/oauth2/token'],
  ['https://token.example/', 'https://token.example/identity/v1/oauth2/token'],
  ['https://token.example/own', 'https://token.example/own'],
])('tokens of %s are asked for at %s', async (tokenUrl, expected) => {
  const { adapter } = await open();
  expect(tokenUrlOf(adapter.configSchema.parse({ tokenUrl }))).toBe(expected);
});

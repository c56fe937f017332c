import { expect, onTestFinished, test } from 'vitest';
import type { AccountOptions } from '../../../emulators/ebay/account.ts';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { AccountRig, changeOf, skus } from './account-rig.ts';

async function open(options: AccountOptions = {}): Promise<AccountRig> {
  const rig = await AccountRig.open(options);
  onTestFinished(() => rig.close());
  return rig;
}

const bulk = '/bulk_update_price_quantity';
const applied = { kind: 'applied' };

test('25 offers are one request', async () => {
  const rig = await open({ seed: { skus: skus(25, 1) } });
  const changes = Object.keys(skus(25, 1)).map((sku, i) => rig.change(sku, i));
  expect(await rig.outcomes(changes)).toEqual(changes.map(() => applied));
  expect(changes.map(({ sku }) => rig.account.shownOf(sku))).toEqual(changes.map((_, i) => i));
  const [request, ...others] = rig.requests(bulk);
  expect(others).toEqual([]);
  expect(request?.request.headers).toMatchObject({
    'accept-language': 'en-US',
    'content-language': 'en-US',
  });
  expect(rig.account.state.invalid).toEqual([]);
});

test('of 207 each offer has what came of it', async () => {
  const rig = await open({ seed: { skus: skus(3, 1) } });
  const unknown = changeOf('gone', 9, { offerId: '999' });
  const unmapped = changeOf('none', 9, { offerId: 'A/1' });
  const changes = [rig.change('S0', 7), unknown, unmapped, rig.change('S2', 8)];
  const result = await rig.publish(changes);
  expect(rig.requests(bulk)[0]?.answer?.status).toBe(207);
  const refused = { kind: 'refused', code: 'ebay_25713' };
  const notMapped = { kind: 'refused', code: 'not_mapped' };
  expect(result).toMatchObject({ ok: true, outcomes: [applied, refused, notMapped, applied] });
  expect(['S0', 'S1', 'S2'].map((sku) => rig.account.shownOf(sku))).toEqual([7, 1, 8]);
});

test.each([
  [500, 25_001, { kind: 'retry', code: 'ebay_25001' }],
  [400, 25_025, { kind: 'retry', code: 'ebay_25025' }],
  [429, undefined, { kind: 'retry', code: 'http_429' }],
  [400, 25_002, { kind: 'refused', code: 'ebay_25002' }],
  [404, undefined, { kind: 'refused', code: 'http_404' }],
])('an offer answered with %i %s is %j', async (statusCode, errorId, outcome) => {
  const rig = await open({ seed: { skus: skus(2, 1) } });
  const { offerId } = rig.account.idsOf('S0');
  const errors = errorId === undefined ? [] : [{ errorId, message: 'secret text' }];
  const body = { responses: [{ offerId, statusCode, errors }] };
  rig.account.server.faults = new FaultPlan([
    { route: bulk, share: 1, fault: { kind: 'status', status: 207, body } },
  ]);
  const missing = { kind: 'retry', code: 'invalid_response' };
  expect(await rig.outcomes([rig.change('S0', 3), rig.change('S1', 3)])).toEqual([
    outcome,
    missing,
  ]);
});

test('where eBay takes one SKU at a time, requests are halved until it takes them', async () => {
  const rig = await open({ seed: { skus: skus(4, 1) } });
  rig.account.state.oneSkuPerCall = true;
  const changes = Object.keys(skus(4, 1)).map((sku) => rig.change(sku, 5));
  expect(await rig.outcomes(changes)).toEqual(changes.map(() => applied));
  // 4, 2, 1, 1, 2, 1, 1.
  expect(rig.requests(bulk)).toHaveLength(7);
  expect(await rig.outcomes(changes, { offersPerRequest: 1 })).toEqual(changes.map(() => applied));
  expect(rig.requests(bulk)).toHaveLength(11);
});

test('of several figures for one offer the last is sent', async () => {
  const rig = await open({ seed: { skus: skus(1, 1) } });
  const changes = [4, 9, 6].map((available) => rig.change('S0', available));
  expect(await rig.outcomes(changes)).toEqual([applied, applied, applied]);
  expect(rig.account.history('S0').map(({ quantity }) => quantity)).toEqual([1, 6]);
});

test('0 is set where the account allows it, and else refused by its name', async () => {
  const rig = await open({ seed: { skus: skus(1, 3), variations: [{ V0: 2, V1: 2 }] } });
  expect(await rig.outcomes([rig.change('S0', 0)])).toEqual([applied]);
  expect(await rig.outcomes([rig.change('S0', 3)])).toEqual([applied]);
  rig.account.state.outOfStockControl = false;
  expect(await rig.outcomes([rig.change('S0', 0), rig.change('V0', 0)])).toEqual([
    { kind: 'refused', code: 'zero_refused' },
    applied,
  ]);
});

const withdraw = { zeroHandling: 'withdraw' } as const;

test('0 ends the listing where the channel says so, and more makes a new one', async () => {
  const rig = await open({ seed: { skus: skus(2, 3) } });
  rig.account.state.outOfStockControl = false;
  const { listingId } = rig.account.idsOf('S0');
  const externalIds = rig.account.idsOf('S0');
  const sold = changeOf('S0', 0, externalIds, 3);
  expect(await rig.outcomes([sold, rig.change('S1', 5, 3)], withdraw)).toEqual([applied, applied]);
  expect([rig.account.shownOf('S0'), rig.account.shownOf('S1')]).toEqual([0, 5]);
  expect(() => rig.account.idsOf('S0')).toThrow('no listing');
  // Again, as after a lost answer.
  expect(await rig.outcomes([sold], withdraw)).toEqual([{ kind: 'unchanged' }]);
  expect(await rig.outcomes([changeOf('S0', 4, externalIds, 0)], withdraw)).toEqual([applied]);
  expect(rig.account.shownOf('S0')).toBe(4);
  expect(rig.account.idsOf('S0').listingId).not.toBe(listingId);
  // What the offer said besides is said again.
  expect(rig.account.state.offers['7001']?.details).toMatchObject({
    categoryId: '30120',
    format: 'FIXED_PRICE',
    pricingSummary: { price: { value: '9.99' } },
  });
  // Nothing was shown in between but the new figure.
  expect(rig.account.history('S0').map(({ quantity }) => quantity)).toEqual([3, 0, 4]);
});

test('an offer that was published in between is revised', async () => {
  const rig = await open({ seed: { skus: skus(1, 3) } });
  expect(await rig.outcomes([rig.change('S0', 6, 0)], withdraw)).toEqual([applied]);
  expect(rig.requests(bulk)).toHaveLength(1);
  expect(rig.requests('/publish')).toEqual([]);
});

test('what one request did counts, though the next has no answer', async () => {
  const rig = await open({ seed: { skus: skus(3, 1) } });
  let requests = 0;
  rig.account.server.faults.next = (_, path) => {
    if (!path.endsWith(bulk)) return undefined;
    requests += 1;
    return requests === 2
      ? { kind: 'status', status: 503, headers: { 'retry-after': '7' } }
      : undefined;
  };
  const changes = Object.keys(skus(3, 1)).map((sku) => rig.change(sku, 5));
  const result = await rig.publish(changes, { settings: { offersPerRequest: 1 } });
  const open503 = { kind: 'retry', code: 'http_503', retryAfterMs: 7_000 };
  expect(result).toMatchObject({ outcomes: [applied, open503, open503], nextCallInMs: 7_000 });
  expect(rig.requests(bulk)).toHaveLength(2);
});

test('where nothing is mapped nothing is asked', async () => {
  const rig = await open();
  expect(await rig.outcomes([changeOf('none', 5, null)])).toEqual([
    { kind: 'refused', code: 'not_mapped' },
  ]);
  expect(rig.account.server.journal).toEqual([]);
});

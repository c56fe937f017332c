import { afterEach, beforeEach, expect, test } from 'vitest';
import { ShopRig, skus } from './shop-rig.ts';

let rig: ShopRig;

beforeEach(async () => {
  rig = await ShopRig.open({ seed: { skus: skus(250, 10), locations: [1, 2] } });
});

afterEach(() => rig.close());

const ids = (number: number, location: number): unknown => ({
  inventoryItemId: `gid://shopify/InventoryItem/${number}`,
  locationId: `gid://shopify/Location/${location}`,
});

test('250 changed SKUs cost one mutation', async () => {
  const changes = Object.keys(skus(250, 0)).map((sku, i) => rig.change(sku, i + 100, 10));
  const outcomes = await rig.outcomes(...changes);
  expect(outcomes).toEqual(changes.map(() => ({ kind: 'applied' })));
  expect(rig.asked).toEqual(['SetQuantities']);
  expect(changes.map(({ sku }) => rig.shop.available(sku))).toEqual(
    changes.map(({ available }) => available),
  );
});

test('the key is the call’s, and a repeat of the call changes nothing twice', async () => {
  const changes = [rig.change('S0', 7, 10), rig.change('S1', 8, null)];
  const first = await rig.publish(changes, { messageId: 'msg_a' });
  rig.shop.setByHand('S0', 3);
  const second = await rig.publish(changes, { messageId: 'msg_a' });
  expect(second).toEqual(first);
  expect(rig.shop.available('S0')).toBe(3);
  expect(rig.shop.state.keys['msg_a']?.repeats).toBe(1);
  expect(rig.shop.state.mismatches).toEqual([]);
  const [call, repeat] = rig.shop.server.journal.map(({ request }) => request.body);
  expect(repeat).toBe(call);
  expect(JSON.parse(call ?? '')).toMatchObject({
    variables: {
      key: 'msg_a',
      input: {
        name: 'available',
        quantities: [
          { quantity: 7, changeFromQuantity: 10 },
          { quantity: 8, changeFromQuantity: null },
        ],
      },
    },
  });
});

test('a figure that is shown already is a success without a change', async () => {
  expect(await rig.outcomes(rig.change('S0', 10, 10))).toEqual([{ kind: 'unchanged' }]);
  expect(rig.shop.history('S0')).toEqual([]);
});

test('a quantity changed behind our back is stale, with what is shown', async () => {
  rig.shop.setByHand('S1', 4);
  const outcomes = await rig.outcomes(
    rig.change('S0', 7, 10),
    rig.change('S1', 8, 10),
    rig.change('S2', 9, null),
  );
  // The innocent ones have what they had: it is no drift, and they go out again at once.
  expect(outcomes).toEqual([
    { kind: 'stale', observed: 10 },
    { kind: 'stale', observed: 4 },
    { kind: 'stale', observed: 10 },
  ]);
  expect(['S0', 'S1', 'S2'].map((sku) => rig.shop.available(sku))).toEqual([10, 4, 10]);
  expect(rig.asked).toEqual(['SetQuantities', 'Levels']);
  expect(await rig.outcomes(rig.change('S1', 8, 4))).toEqual([{ kind: 'applied' }]);
});

test('what somebody else set to our figure is unchanged', async () => {
  rig.shop.setByHand('S1', 8);
  const outcomes = await rig.outcomes(rig.change('S0', 7, 10), rig.change('S1', 8, 10));
  expect(outcomes).toEqual([{ kind: 'stale', observed: 10 }, { kind: 'unchanged' }]);
});

test('a stale call of 250 at two locations is read in pages that Shopify takes', async () => {
  const changes = Object.keys(skus(250, 0)).map((sku, i) => ({
    ...rig.change(sku, 5, 10),
    externalIds: rig.shop.idsOf(sku, 1 + (i % 2)),
  }));
  rig.shop.setByHand('S7', 3, 2);
  const outcomes = await rig.outcomes(...changes);
  const expected = changes.map(({ sku }) => ({ kind: 'stale', observed: sku === 'S7' ? 3 : 10 }));
  expect(outcomes).toEqual(expected);
  expect(rig.asked).toEqual(['SetQuantities', 'Levels', 'Levels', 'Levels', 'Levels']);
});

test('each row that cannot be taken is refused by itself', async () => {
  const { state } = rig.shop;
  const item = state.items['gid://shopify/InventoryItem/1002'];
  delete item?.available['gid://shopify/Location/1'];
  const { inventoryItemId } = rig.shop.idsOf('S3');
  const outcomes = await rig.outcomes(
    rig.change('S0', 7, 10),
    rig.change('S1', 7, 10),
    { ...rig.change('S2', 7, 10), externalIds: ids(99, 1) },
    { ...rig.change('S2', 7, 10), externalIds: ids(1_003, 99) },
    { ...rig.change('S2', 7, 10), externalIds: null },
    { ...rig.change('S3', 7, 10), externalIds: { inventoryItemId } },
    rig.change('S4', 1_000_000_001, 10),
    rig.change('S5', 7, 10),
    rig.change('S5', 8, 10),
  );
  expect(outcomes).toEqual([
    { kind: 'stale', observed: 10 },
    { kind: 'refused', code: 'item_not_stocked_at_location' },
    { kind: 'refused', code: 'invalid_inventory_item' },
    { kind: 'refused', code: 'invalid_location' },
    { kind: 'refused', code: 'not_mapped' },
    { kind: 'refused', code: 'not_mapped' },
    { kind: 'refused', code: 'invalid_quantity_too_high' },
    { kind: 'stale', observed: 10 },
    { kind: 'refused', code: 'no_duplicate_inventory_item_id_group_id_pair' },
  ]);
  expect(rig.shop.state.writes).toEqual([]);
});

test('nothing is sent where nothing is mapped', async () => {
  const outcomes = await rig.outcomes({ ...rig.change('S0', 7), externalIds: null });
  expect(outcomes).toEqual([{ kind: 'refused', code: 'not_mapped' }]);
  expect(rig.asked).toEqual([]);
});

test('what a key is answered with decides whether it is used again', async () => {
  const changes = [rig.change('S0', 7, 10)];
  await rig.publish(changes, { messageId: 'msg_a' });
  const known = rig.shop.state.keys['msg_a'];
  if (known === undefined) throw new Error('the key is not known');
  const again = () => rig.publish(changes, { messageId: 'msg_a' });
  known.status = 'running';
  const concurrent = await again();
  expect(concurrent).toMatchObject({
    ok: false,
    failure: { code: 'idempotency_concurrent_request', scope: 'request', retryAfterMs: 1_000 },
  });
  // Its answer is still to come: it may not be taken for not done.
  expect(!concurrent.ok && concurrent.failure.isNotDone).toBeUndefined();
  known.status = 'failed';
  expect(await again()).toMatchObject({
    ok: false,
    failure: { code: 'idempotency_previous_attempt_failed', scope: 'request', isNotDone: true },
  });
  const other = await rig.publish([rig.change('S0', 6, 10)], { messageId: 'msg_a' });
  expect(other).toMatchObject({
    ok: true,
    outcomes: [{ kind: 'refused', code: 'idempotency_key_parameter_mismatch' }],
  });
  expect(rig.shop.available('S0')).toBe(7);
});

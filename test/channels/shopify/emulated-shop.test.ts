import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { setQuantitiesDocument } from '../../../src/channels/shopify/documents.ts';
import { ShopRig, skus } from './shop-rig.ts';

// The shop answers as Shopify was seen to: what the adapter is tested against has to be true.

let rig: ShopRig;

beforeEach(async () => {
  rig = await ShopRig.open({ seed: { skus: skus(3, 0) } });
});

afterEach(() => rig.close());

type Answer = {
  readonly data?: { readonly inventorySetQuantities: unknown };
  readonly errors?: readonly { readonly extensions?: { readonly code: string } }[];
  readonly extensions?: {
    readonly cost: { requestedQueryCost: number; actualQueryCost: number | null };
  };
};

async function ask(query: string, variables: unknown): Promise<Answer> {
  const response = await fetch(`${rig.shop.server.url}/admin/api/2026-07/graphql.json`, {
    method: 'POST',
    headers: { 'x-shopify-access-token': rig.shop.credentials.accessToken },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}

const row = (quantity: number) => ({
  ...rig.shop.idsOf('S0'),
  quantity,
  changeFromQuantity: null as number | null | undefined,
});
const input = (rows: unknown[], more = {}) => ({
  name: 'available',
  reason: 'correction',
  quantities: rows,
  ...more,
});

test('a set changes what can be sold and what is there, and costs what was seen', async () => {
  const query = setQuantitiesDocument.replace('id\n', 'id changes { name delta }\n');
  const first = await ask(query, { key: 'k1', input: input([row(5)]) });
  expect(first.data?.inventorySetQuantities).toMatchObject({
    inventoryAdjustmentGroup: {
      changes: [
        { name: 'available', delta: 5 },
        { name: 'on_hand', delta: 5 },
      ],
    },
    userErrors: [],
  });
  expect(first.extensions?.cost).toMatchObject({ requestedQueryCost: 13, actualQueryCost: 13 });
  const second = await ask(query, { key: 'k2', input: input([row(5)]) });
  expect(second.data?.inventorySetQuantities).toEqual({
    inventoryAdjustmentGroup: null,
    userErrors: [],
  });
  expect(second.extensions?.cost).toMatchObject({ requestedQueryCost: 13, actualQueryCost: 10 });
});

test.each([
  ['without the directive', 'BAD_REQUEST', / @idempotent\(key: \$key\)|\n {2}\$key: String!/g, {}],
  ['without changeFromQuantity', 'INVALID_FIELD_ARGUMENTS', /^$/g, { from: undefined }],
  ['with a field of before', 'INVALID_VARIABLE', /^$/g, { ignoreCompareQuantity: true }],
  ['with 251 rows', 'MAX_INPUT_SIZE_EXCEEDED', /^$/g, { rows: 251 }],
])('a call %s is not worked: %s', async (_, code, cut, what) => {
  const { from = null, rows = 1, ...more } = what as { from?: null; rows?: number };
  const one = { ...row(5), changeFromQuantity: 'from' in what ? undefined : from };
  const variables = {
    key: 'k',
    input: input(
      Array.from({ length: rows }, () => one),
      more,
    ),
  };
  const answer = await ask(setQuantitiesDocument.replace(cut, ''), variables);
  expect(answer.errors?.[0]?.extensions?.code).toBe(code);
  expect(answer.data?.inventorySetQuantities ?? null).toBeNull();
  expect(rig.shop.state.writes).toEqual([]);
});

test.each([
  [{ name: 'committed' }, 'INVALID_NAME', ['input', 'name']],
  [{ reason: 'because' }, 'INVALID_REASON', ['input', 'reason']],
])('%j is a user error %s', async (more, code, field) => {
  const answer = await ask(setQuantitiesDocument, { key: 'k', input: input([row(5)], more) });
  expect(answer.data?.inventorySetQuantities).toEqual({
    inventoryAdjustmentGroup: null,
    userErrors: [{ field, code }],
  });
});

test('a query that could cost more than 1,000 points is not worked', async () => {
  const ids = Array.from({ length: 250 }, (_, i) => `gid://shopify/InventoryItem/${i}`);
  const level = 'inventoryLevel(locationId: "gid://shopify/Location/1")';
  const query = `query Q($ids: [ID!]!) { nodes(ids: $ids) { ... on InventoryItem {
    a: ${level} { location { id } } b: ${level} { location { id } } } } }`;
  const answer = await ask(query, { ids });
  expect(answer.errors?.[0]?.extensions?.code).toBe('MAX_COST_EXCEEDED');
});

test('a key is forgotten after its time', async () => {
  const clock = { now: 1_000 };
  const other = await ShopRig.open({
    seed: { skus: skus(1, 0) },
    now: () => clock.now,
    keysLastMs: 60_000,
  });
  onTestFinished(() => other.close());
  const again = () => other.publish([other.change('S0', 5)], { messageId: 'k' });
  await again();
  other.shop.setByHand('S0', 1);
  clock.now += 59_999;
  await again();
  expect(other.shop.available('S0')).toBe(1);
  clock.now += 60_000;
  await again();
  expect(other.shop.available('S0')).toBe(5);
});

test('a shop that is started again knows its stock, its keys and its history', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'onhand-shop-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const options = { seed: { skus: skus(1, 0) }, stateFile: join(folder, 'shop.json') };
  const before = await ShopRig.open(options);
  await before.publish([before.change('S0', 5)], { messageId: 'k' });
  await before.close();
  const after = await ShopRig.open(options);
  onTestFinished(() => after.close());
  expect(after.shop.available('S0')).toBe(5);
  expect(after.shop.history('S0')).toMatchObject([{ from: 0, to: 5, by: 'app', key: 'k' }]);
  const repeat = await after.publish([after.change('S0', 5)], { messageId: 'k' });
  expect(repeat).toMatchObject({ ok: true, outcomes: [{ kind: 'applied' }] });
  expect(after.shop.history('S0')).toHaveLength(1);
});

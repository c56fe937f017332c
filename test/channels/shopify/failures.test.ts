import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FaultPlan, type Fault } from '../../../emulators/fault-plan.ts';
import { ShopRig, skus } from './shop-rig.ts';

let rig: ShopRig;

beforeAll(async () => {
  rig = await ShopRig.open({ seed: { skus: skus(2, 10) } });
});

beforeEach(() => {
  rig.shop.server.faults = new FaultPlan();
  rig.shop.state.standing = 'open';
});

afterAll(() => rig.close());

function fail(fault: Fault): void {
  rig.shop.server.faults = new FaultPlan([{ share: 1, fault }]);
}

const errors = (code: string): unknown => ({ errors: [{ message: 'text', extensions: { code } }] });

test.each([
  [429, { 'retry-after': '4' }, 'http_429', { isThrottled: true, isNotDone: true, wait: 4_000 }],
  [429, {}, 'http_429', { isThrottled: true, isNotDone: true, wait: 1_000 }],
  [500, {}, 'http_500', { scope: 'channel' }],
  [503, { 'retry-after': '2' }, 'http_503', { scope: 'channel', wait: 2_000 }],
  [302, {}, 'http_302', { scope: 'channel', isNotDone: true }],
  // Of a firewall before Shopify: the token may be good.
  [403, {}, 'http_403', { scope: 'channel', isNotDone: true }],
  [404, {}, 'http_404', { scope: 'channel', isNotDone: true }],
  [400, {}, 'http_400', { scope: 'request' }],
] as const)('an answer of %i %j is %s', async (status, headers, code, expected) => {
  fail({ kind: 'status', status, headers, body: 'text' });
  const failure = await rig.failure(rig.change('S0', 7));
  const { wait, ...more } = { wait: undefined, ...expected };
  expect(failure).toMatchObject({ code, httpStatus: status, ...more });
  expect(failure.pause).toBeUndefined();
  expect(failure.retryAfterMs).toBe(wait);
  expect(failure.isThrottled).toBe('isThrottled' in expected ? true : undefined);
});

test.each([
  ['INTERNAL_SERVER_ERROR', 'internal_server_error', 'channel', undefined],
  ['MAX_INPUT_SIZE_EXCEEDED', 'max_input_size_exceeded', 'request', true],
  ['It broke: see /var', 'graphql_error', 'channel', undefined],
] as const)('an error %s of GraphQL is %s', async (code, word, scope, isNotDone) => {
  fail({ kind: 'status', status: 200, body: errors(code) });
  const failure = await rig.failure(rig.change('S0', 7));
  expect(failure).toMatchObject({ code: word, scope });
  expect(failure.isNotDone).toBe(isNotDone);
});

test.each([
  [{ kind: 'reset_before' }, 'connection_reset'],
  [{ kind: 'reset_after' }, 'connection_reset'],
  [{ kind: 'truncated' }, 'connection_reset'],
  [{ kind: 'status', status: 200, body: 'no JSON' }, 'invalid_response'],
  [{ kind: 'status', status: 200, body: { data: {} } }, 'invalid_response'],
  [{ kind: 'status', status: 200, body: [] }, 'invalid_response'],
] as const)('after %j nobody knows whether it was done', async (fault, code) => {
  fail(fault);
  const failure = await rig.failure(rig.change('S0', 7));
  expect(failure).toMatchObject({ code, scope: 'channel' });
  expect(failure.isNotDone).toBeUndefined();
});

test('a call ends when its signal says so', async () => {
  fail({ kind: 'latency', ms: 200 });
  const signal = AbortSignal.timeout(20);
  const result = await rig.publish([rig.change('S0', 7)], { signal });
  expect(result).toMatchObject({ ok: false, failure: { code: 'timeout', scope: 'channel' } });
});

test('a token that is not taken, or may not do this, pauses the channel', async () => {
  const change = rig.change('S0', 7);
  const credentials = { accessToken: 'shpat_of_another' };
  const unknown = await rig.publish([change], { credentials });
  const expected = { scope: 'channel', isNotDone: true, pause: expect.any(String) };
  expect(unknown).toMatchObject({ failure: { ...expected, code: 'unauthorized' } });
  expect(JSON.stringify(unknown)).not.toContain(credentials.accessToken);
  fail({ kind: 'status', status: 403, body: { errors: '[API] Access denied' } });
  expect(await rig.failure(change)).toMatchObject({ ...expected, code: 'forbidden' });
  rig.shop.server.faults = new FaultPlan();
  const { state } = rig.shop;
  const before = state.scopes;
  state.scopes = ['read_inventory'];
  expect(await rig.failure(change)).toMatchObject({ ...expected, code: 'forbidden' });
  state.scopes = before;
});

test.each([
  ['frozen', 402],
  ['locked', 423],
] as const)('a %s shop is left alone without an attempt lost', async (standing, httpStatus) => {
  rig.shop.state.standing = standing;
  expect(await rig.failure(rig.change('S0', 7))).toEqual({
    code: `shop_${standing}`,
    httpStatus,
    scope: 'channel',
    isThrottled: true,
    isNotDone: true,
    retryAfterMs: 300_000,
  });
});

/** What Shopify answers to a mutation, whatever was asked. */
function answerWith(payload: unknown, more: object = {}): void {
  const body = { data: { inventorySetQuantities: payload }, ...more };
  fail({ kind: 'status', status: 200, body });
}

test('what is null in an answer is not there', async () => {
  const payload = { inventoryAdjustmentGroup: { id: 'gid://1' }, userErrors: [] };
  answerWith(payload, { errors: null, extensions: null });
  expect(await rig.outcomes(rig.change('S0', 7))).toEqual([{ kind: 'applied' }]);
  fail({ kind: 'status', status: 200, body: { errors: [{ message: 'text', extensions: null }] } });
  expect(await rig.failure(rig.change('S0', 7))).toMatchObject({ code: 'graphql_error' });
});

test('an error tells its row as a number or as a text', async () => {
  for (const row of [0, '0']) {
    const error = { field: ['input', 'quantities', row, 'locationId'], code: 'INVALID_LOCATION' };
    answerWith({ inventoryAdjustmentGroup: null, userErrors: [error] });
    expect(await rig.outcomes(rig.change('S0', 7))).toEqual([
      { kind: 'refused', code: 'invalid_location' },
    ]);
  }
});

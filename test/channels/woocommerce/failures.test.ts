import { expect, onTestFinished, test } from 'vitest';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { failureOfHttp } from '../../../src/channels/woocommerce/failures.ts';
import { outcomeOfItem } from '../../../src/channels/woocommerce/item-outcome.ts';
import { changeOf, skus, StoreRig } from './store-rig.ts';

const now = new Date('2026-11-21T00:00:00Z');

test.each<[number, string | undefined, Record<string, unknown>]>([
  [301, undefined, { code: 'http_301', scope: 'channel' }],
  [400, 'rest_invalid_param', { code: 'http_400', scope: 'request' }],
  [401, 'woocommerce_rest_cannot_batch', { code: 'unauthorized', isNotDone: true }],
  [403, 'woocommerce_rest_cannot_batch', { code: 'forbidden', scope: 'channel' }],
  [403, undefined, { code: 'http_403', scope: 'channel' }],
  [404, 'rest_no_route', { code: 'rest_no_route', scope: 'channel' }],
  [404, undefined, { code: 'http_404', scope: 'channel' }],
  [429, undefined, { code: 'http_429', isThrottled: true, retryAfterMs: 9_000 }],
  [500, 'internal_server_error', { code: 'http_500', scope: 'channel' }],
  [503, undefined, { code: 'http_503', retryAfterMs: 9_000 }],
])('an answer of %i %s is %j', (status, code, expected) => {
  expect(failureOfHttp(status, code, '9', now)).toMatchObject(expected);
});

function pauses(status: number, code?: string): boolean {
  return failureOfHttp(status, code, undefined, now).pause !== undefined;
}

test('only a refusal of WooCommerce’s own pauses the channel', () => {
  expect(pauses(401)).toBe(true);
  expect(pauses(403, 'woocommerce_rest_cannot_batch')).toBe(true);
  // Something in front of the shop.
  expect(pauses(403)).toBe(false);
  expect(pauses(503)).toBe(false);
});

test.each<[unknown, number | undefined, string, string]>([
  ['woocommerce_rest_product_invalid_id', 404, 'refused', 'woocommerce_rest_product_invalid_id'],
  ['Db error at 10.0.0.1', 500, 'retry', 'woocommerce_error'],
  ['too_many', 429, 'retry', 'too_many'],
  ['no_status', undefined, 'retry', 'no_status'],
])('an item error %s with status %s is %s %s', (code, status, kind, expected) => {
  const data = status === undefined ? {} : { status };
  const error = { code: String(code), data };
  expect(outcomeOfItem(changeOf('A', 1, null), { id: 1, error })).toEqual({ kind, code: expected });
});

test('a key that is wrong or may only read pauses the channel', async () => {
  const rig = await StoreRig.open({ seed: { skus: skus(1, 1) } });
  onTestFinished(() => rig.close());
  rig.store.state.permissions = 'read';
  const failure = await rig.failure(rig.change('S0', 5));
  expect(failure).toMatchObject({ code: 'unauthorized', isNotDone: true });
  expect(failure.pause).toContain('key');
  expect(await rig.adapter.verify?.(rig.context())).toMatchObject({ ok: false });
  rig.store.state.permissions = 'read_write';
  expect(await rig.adapter.verify?.(rig.context())).toEqual({ ok: true, httpStatus: 200 });
  const credentials = { consumerKey: 'ck_other', consumerSecret: 'cs_other' };
  expect(await rig.adapter.verify?.(rig.context({ credentials }))).toMatchObject({
    failure: { code: 'unauthorized' },
  });
});

test.each([
  [{ kind: 'truncated' }, 'connection_reset'],
  [{ kind: 'reset_after' }, 'connection_reset'],
  [{ kind: 'status', status: 200, body: '<p>Hello</p>' }, 'invalid_response'],
  [{ kind: 'latency', ms: 60_000 }, 'timeout'],
] as const)(
  'the fault %j is the failure %s, and nobody says that nothing was done',
  async (...all) => {
    const [fault, code] = all;
    const rig = await StoreRig.open({ seed: { skus: skus(1, 1) } });
    onTestFinished(() => rig.close());
    rig.store.server.faults = new FaultPlan([{ share: 1, fault }]);
    const signal = AbortSignal.timeout(fault.kind === 'latency' ? 50 : 60_000);
    const result = await rig.publish([rig.change('S0', 5)], { signal });
    expect(result).toEqual({
      ok: false,
      failure: expect.objectContaining({ code, scope: 'channel' }) as unknown,
    });
    expect(result).not.toHaveProperty('failure.isNotDone');
  },
);

test('the key is in no failure', async () => {
  const rig = await StoreRig.open({ seed: { skus: skus(1, 1) } });
  onTestFinished(() => rig.close());
  const credentials = { consumerKey: 'ck_sesame', consumerSecret: 'cs_sesame' };
  const result = await rig.publish([rig.change('S0', 5)], { credentials });
  expect(JSON.stringify(result)).not.toContain('sesame');
});

test.each([
  [{ baseUrl: 'https://shop.example' }, true],
  [{ baseUrl: 'https://shop.example/store/' }, true],
  [{ baseUrl: 'ftp://shop.example' }, false],
  [{ baseUrl: 'https://u:p@shop.example' }, false],
  [{ baseUrl: 'https://shop.example', more: 1 }, false],
  [{}, false],
])('the config %j may be set: %s', async (config, expected) => {
  const rig = await StoreRig.open();
  onTestFinished(() => rig.close());
  expect(rig.adapter.configSchema.safeParse(config).success).toBe(expected);
});

test('an item that says little is tried again and spoils no other', async () => {
  const rig = await StoreRig.open({ seed: { skus: skus(4, 0) } });
  onTestFinished(() => rig.close());
  const idOf = (sku: string) => (rig.store.idsOf(sku) as { productId: number }).productId;
  const error = { code: 'plugin_says_no', message: 'no' };
  const update = [
    { id: idOf('S0'), error: { ...error, data: null } },
    { id: idOf('S1'), manage_stock: true, stock_quantity: '5 or so' },
    { id: idOf('S2'), manage_stock: true, stock_quantity: 5, error: null },
    { id: idOf('S3'), error: { ...error, data: { status: null } } },
  ];
  const fault = { kind: 'status', status: 200, body: { update } } as const;
  rig.store.server.faults = new FaultPlan([{ route: '/products/batch', share: 1, fault }]);
  const changes = ['S0', 'S1', 'S2', 'S3'].map((sku) => rig.change(sku, 5));
  expect(await rig.outcomes(...changes)).toMatchObject([
    { kind: 'retry', code: 'plugin_says_no' },
    { kind: 'retry' },
    { kind: 'applied' },
    { kind: 'retry', code: 'plugin_says_no' },
  ]);
});

import { expect, onTestFinished, test } from 'vitest';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { failureOfApi } from '../../../src/channels/ebay/failures.ts';
import { AccountRig, skus } from './account-rig.ts';

const now = new Date('2026-11-21T00:00:00Z');

test.each<[number, number | undefined, Record<string, unknown>]>([
  [400, 25_709, { code: 'ebay_25709', scope: 'request', isNotDone: true }],
  [401, undefined, { code: 'unauthorized', scope: 'channel', isNotDone: true }],
  [403, 1_100, { code: 'forbidden', scope: 'channel', isNotDone: true }],
  [403, undefined, { code: 'http_403', scope: 'request' }],
  [429, undefined, { code: 'rate_limited', isThrottled: true, retryAfterMs: 4_000 }],
  [500, 25_001, { code: 'ebay_25001', scope: 'channel' }],
  [503, undefined, { code: 'http_503', retryAfterMs: 4_000 }],
])('an answer of %i %s is %j', (status, errorId, expected) => {
  const errors = errorId === undefined ? [] : [{ errorId }];
  expect(failureOfApi(status, errors, '4', now)).toMatchObject(expected);
});

test('only what the account may not pauses the channel', () => {
  const pauses = (status: number, errorId: number) =>
    failureOfApi(status, [{ errorId }], undefined, now).pause !== undefined;
  expect([pauses(401, 1_001), pauses(403, 1_100)]).toEqual([true, true]);
  expect([pauses(400, 25_002), pauses(429, 2_001), pauses(500, 25_001)]).toEqual([
    false,
    false,
    false,
  ]);
  expect(failureOfApi(403, [], undefined, now).pause).toBeUndefined();
});

test.each([
  [{ kind: 'truncated' }, 'connection_reset'],
  [{ kind: 'reset_before' }, 'connection_reset'],
  [{ kind: 'reset_after' }, 'connection_reset'],
  [{ kind: 'status', status: 200, body: 'Hello' }, 'invalid_response'],
  [{ kind: 'status', status: 502, body: 'Bad gateway' }, 'http_502'],
  [{ kind: 'latency', ms: 60_000 }, 'timeout'],
] as const)(
  'the fault %j is the failure %s, and nobody says that nothing was done',
  async (...all) => {
    const [fault, code] = all;
    const rig = await AccountRig.open({ seed: { skus: skus(1, 1) } });
    onTestFinished(() => rig.close());
    rig.account.server.faults = new FaultPlan([{ route: 'bulk', share: 1, fault }]);
    const signal = AbortSignal.timeout(fault.kind === 'latency' ? 100 : 60_000);
    const failure = await rig.failure([rig.change('S0', 5)], { signal });
    expect(failure).toMatchObject({ code, scope: 'channel' });
    expect(failure.isNotDone).toBeUndefined();
  },
);

test('of requests that failed in different ways nobody says that nothing was done', async () => {
  const rig = await AccountRig.open({ seed: { skus: skus(2, 1) } });
  onTestFinished(() => rig.close());
  let requests = 0;
  rig.account.server.faults.next = (_, path) => {
    if (!path.endsWith('/bulk_update_price_quantity')) return undefined;
    requests += 1;
    if (requests === 1) return { kind: 'status', status: 409, body: 'conflict' };
    return { kind: 'status', status: 429 };
  };
  const changes = [rig.change('S0', 5), rig.change('S1', 5)];
  const failure = await rig.failure(changes, { settings: { offersPerRequest: 1 } });
  expect(failure).toMatchObject({ code: 'rate_limited', isThrottled: true });
  expect(failure.isNotDone).toBeUndefined();
});

import { expect, onTestFinished, test } from 'vitest';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { failureOfErrors } from '../../../src/channels/square/failures.ts';
import { SellerRig, skus } from './seller-rig.ts';

const now = new Date('2026-11-21T00:00:00Z');

test.each<[number, string, string, Record<string, unknown>]>([
  [400, 'INVALID_REQUEST_ERROR', 'BAD_REQUEST', { code: 'bad_request', scope: 'request' }],
  [401, 'AUTHENTICATION_ERROR', 'ACCESS_TOKEN_EXPIRED', { code: 'unauthorized' }],
  [403, 'AUTHENTICATION_ERROR', 'INSUFFICIENT_SCOPES', { code: 'forbidden', isNotDone: true }],
  [409, 'API_ERROR', 'CONFLICT', { code: 'conflict', scope: 'request' }],
  [429, 'RATE_LIMIT_ERROR', 'RATE_LIMITED', { code: 'rate_limited', isThrottled: true }],
  [500, 'API_ERROR', 'INTERNAL_SERVER_ERROR', { code: 'internal_server_error', scope: 'channel' }],
  [503, 'API_ERROR', 'SERVICE_UNAVAILABLE', { code: 'service_unavailable', retryAfterMs: 4_000 }],
  [400, 'API_ERROR', 'secret text!', { code: 'square_error' }],
])('an answer of %i %s %s is %j', (status, category, code, expected) => {
  expect(failureOfErrors(status, [{ category, code }], '4', now)).toMatchObject(expected);
});

test('only what the token is about pauses the channel', () => {
  const pauses = (status: number, code: string) => {
    const errors = [{ category: 'AUTHENTICATION_ERROR', code }];
    return failureOfErrors(status, errors, undefined, now).pause !== undefined;
  };
  expect(pauses(401, 'UNAUTHORIZED')).toBe(true);
  expect(pauses(403, 'INSUFFICIENT_SCOPES')).toBe(true);
  expect(pauses(429, 'RATE_LIMITED')).toBe(false);
  expect(failureOfErrors(403, [], undefined, now).pause).toBeUndefined();
});

test.each([
  [{ kind: 'truncated' }, 'connection_reset'],
  [{ kind: 'reset_before' }, 'connection_reset'],
  [{ kind: 'status', status: 200, body: 'Hello' }, 'invalid_response'],
  [{ kind: 'status', status: 502, body: 'Bad gateway' }, 'http_502'],
  [{ kind: 'latency', ms: 60_000 }, 'timeout'],
] as const)(
  'the fault %j is the failure %s, and nobody says that nothing was done',
  async (...all) => {
    const [fault, code] = all;
    const rig = await SellerRig.open({ seed: { skus: skus(1, 1) } });
    onTestFinished(() => rig.close());
    rig.seller.server.faults = new FaultPlan([{ share: 1, fault }]);
    const signal = AbortSignal.timeout(fault.kind === 'latency' ? 50 : 60_000);
    const failure = await rig.failure([rig.change('S0', 5)], { signal });
    expect(failure).toMatchObject({ code, scope: 'channel' });
    expect(failure.isNotDone).toBeUndefined();
  },
);

test('errors in an answer of 200 are errors', async () => {
  const rig = await SellerRig.open({ seed: { skus: skus(1, 1) } });
  onTestFinished(() => rig.close());
  const errors = [{ category: 'API_ERROR', code: 'TEMPORARY_ERROR' }];
  rig.seller.server.faults = new FaultPlan([
    { share: 1, fault: { kind: 'status', status: 200, body: { errors } } },
  ]);
  expect((await rig.failure([rig.change('S0', 5)])).code).toBe('temporary_error');
});

test('a token that is wrong or may not write is no good', async () => {
  const rig = await SellerRig.open({ seed: { skus: skus(1, 1) } });
  onTestFinished(() => rig.close());
  expect(await rig.adapter.verify?.(rig.context())).toEqual({ ok: true, httpStatus: 200 });
  rig.seller.state.scopes = ['INVENTORY_READ'];
  expect(await rig.adapter.verify?.(rig.context())).toMatchObject({
    failure: { code: 'scope_missing' },
  });
  expect((await rig.failure([rig.change('S0', 5)])).pause).toContain('permission');
  const credentials = { accessToken: 'sesame' };
  const result = await rig.publish([rig.change('S0', 5)], { credentials });
  expect(result).toMatchObject({ failure: { code: 'unauthorized', isNotDone: true } });
  expect(JSON.stringify(result)).not.toContain('sesame');
});

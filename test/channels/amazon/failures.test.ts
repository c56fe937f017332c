import { expect, onTestFinished, test } from 'vitest';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { failureOfAnswer, issueWord } from '../../../src/channels/amazon/failures.ts';
import { AccountRig, skus } from './account-rig.ts';

const now = new Date('2026-11-21T00:00:00Z');

type Expected = Record<string, unknown>;
test.each<[number, string | undefined, number | undefined, Expected]>([
  [400, 'InvalidInput', 5, { code: 'invalid_input', scope: 'request', isNotDone: true }],
  [401, 'Unauthorized', 5, { code: 'unauthorized', isNotDone: true }],
  [403, 'Unauthorized', 5, { code: 'forbidden', isNotDone: true }],
  [404, 'NOT_FOUND', 5, { code: 'not_found', scope: 'request' }],
  [413, 'RequestTooLarge', 5, { code: 'request_too_large', scope: 'request' }],
  [429, 'QuotaExceeded', 0.5, { code: 'quota_exceeded', isThrottled: true, retryAfterMs: 4_000 }],
  [429, 'QuotaExceeded', 0.1, { code: 'quota_exceeded', retryAfterMs: 10_000 }],
  [500, 'InternalFailure', 5, { code: 'internal_failure', scope: 'channel' }],
  [503, 'ServiceUnavailable', 5, { code: 'service_unavailable', retryAfterMs: 4_000 }],
  [502, undefined, undefined, { code: 'http_502', scope: 'channel' }],
  [400, 'secret text!', undefined, { code: 'amazon_error' }],
  [404, undefined, undefined, { code: 'http_404', scope: 'channel', isNotDone: true }],
  [409, undefined, undefined, { code: 'http_409', scope: 'channel' }],
])('an answer of %i %s at %s a second is %j', (httpStatus, errorCode, perSecond, expected) => {
  const answer = { httpStatus, errorCode, retryAfter: '4', perSecond };
  expect(failureOfAnswer(answer, now)).toMatchObject(expected);
});

function pauses(httpStatus: number, errorCode?: string): boolean {
  const answer = { httpStatus, errorCode, retryAfter: undefined, perSecond: undefined };
  return failureOfAnswer(answer, now).pause !== undefined;
}

test('only what the application may do pauses the channel', () => {
  expect(pauses(401)).toBe(true);
  expect(pauses(403, 'Unauthorized')).toBe(true);
  // A wall in between.
  expect(pauses(403)).toBe(false);
  expect(pauses(410, 'Gone')).toBe(false);
  expect(pauses(429, 'QuotaExceeded')).toBe(false);
});

test.each([
  ['90220', 'issue_90220'],
  ['MISSING', 'issue_missing'],
  ['what? this', 'issue'],
  [undefined, 'issue'],
])('the issue %s is %s', (code, word) => {
  expect(issueWord(code)).toBe(word);
});

test.each([
  [{ kind: 'truncated' }, 'connection_reset'],
  [{ kind: 'reset_before' }, 'connection_reset'],
  [{ kind: 'status', status: 200, body: 'Hello' }, 'invalid_response'],
  [{ kind: 'status', status: 502, body: 'Bad gateway' }, 'http_502'],
  [{ kind: 'latency', ms: 60_000 }, 'timeout'],
] as const)(
  'after the fault %j, which is the failure %s, the listing is looked for',
  async (...all) => {
    const [fault, code] = all;
    const rig = await AccountRig.open({ seed: { skus: skus(1, 1) } });
    onTestFinished(() => rig.close());
    const timeout = new AbortController();
    const faults = new FaultPlan([{ route: 'PATCH', share: 1, fault }]);
    // A call's time is over when its patch has come in, and waits for the answer.
    let came = 0;
    rig.account.server.faults.next = (method, path) => {
      if (method === 'PATCH') came += 1;
      if (method === 'PATCH' && fault.kind === 'latency') timeout.abort();
      return faults.next(method, path);
    };
    const result = await rig.publish([rig.change('S0', 5)], { signal: timeout.signal });
    const operation = `unanswered:${rig.now.getTime()}`;
    expect(result).toMatchObject({
      ok: true,
      outcomes: [{ kind: 'accepted', operation }],
      failure: { code, scope: 'channel' },
    });
    expect(came).toBe(1);
  },
);

test('where nobody listens nothing was done', async () => {
  const rig = await AccountRig.open({ seed: { skus: skus(1, 1) } });
  onTestFinished(() => rig.close());
  const config = { ...rig.context().config, baseUrl: 'http://127.0.0.1:1' };
  const failure = await rig.failure([rig.change('S0', 6)], { config });
  expect(failure).toEqual({ code: 'connection_refused', scope: 'channel', isNotDone: true });
});

import { expect, onTestFinished, test } from 'vitest';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { AccountRig, skus } from './account-rig.ts';

async function open(): Promise<AccountRig> {
  const rig = await AccountRig.open({ seed: { skus: skus(4, 1) } });
  onTestFinished(() => rig.close());
  return rig;
}

const route = '/oauth2/token';
const minuteMs = 60_000;

test('calls share a token, and one that is about to end is replaced', async () => {
  const rig = await open();
  await Promise.all(['S0', 'S1', 'S2', 'S3'].map((sku) => rig.outcomes([rig.change(sku, 2)])));
  expect(rig.requests(route)).toHaveLength(1);
  rig.pass(114 * minuteMs);
  await rig.outcomes([rig.change('S0', 3)]);
  expect(rig.requests(route)).toHaveLength(1);
  // 120 minutes less 5.
  rig.pass(minuteMs);
  await rig.outcomes([rig.change('S0', 4)]);
  expect(rig.requests(route)).toHaveLength(2);
  expect(rig.account.server.journal.filter(({ answer }) => answer?.status === 401)).toEqual([]);
});

test('a token that eBay takes back is replaced, and the call made once more', async () => {
  const rig = await open();
  await rig.outcomes([rig.change('S0', 2)]);
  for (const token of Object.keys(rig.account.state.tokens)) rig.account.state.tokens[token] = 0;
  expect(await rig.outcomes([rig.change('S0', 3)])).toEqual([{ kind: 'applied' }]);
  expect(rig.requests(route)).toHaveLength(2);
});

test('where no token is taken the channel is paused, after two', async () => {
  const rig = await open();
  rig.account.server.faults = new FaultPlan([
    { route: 'bulk', share: 1, fault: { kind: 'status', status: 401 } },
  ]);
  const failure = await rig.failure([rig.change('S0', 2)]);
  expect(failure).toMatchObject({ code: 'unauthorized', scope: 'channel', isNotDone: true });
  expect(failure.pause).toContain('access token');
  expect(rig.requests(route)).toHaveLength(2);
});

test.each([
  ['refreshToken', 'invalid_grant', 'consent'],
  ['clientSecret', 'invalid_client', 'secret'],
] as const)('a %s that is wrong is %s, pauses, and is not told', async (name, code, word) => {
  const rig = await open();
  const credentials = { ...rig.account.credentials, [name]: 'sesame' };
  const result = await rig.publish([rig.change('S0', 2)], { credentials });
  expect(result).toMatchObject({ failure: { code, isNotDone: true, scope: 'channel' } });
  expect(JSON.stringify(result)).toContain(word);
  expect(JSON.stringify(result)).not.toContain('sesame');
});

test('other credentials have a token of their own', async () => {
  const rig = await open();
  await rig.outcomes([rig.change('S0', 2)]);
  rig.account.state.refreshToken = 'renewed';
  // The access token is still good, but not for what is not the seller's any more.
  const credentials = { ...rig.account.credentials, refreshToken: 'renewed' };
  expect(await rig.publish([rig.change('S0', 3)], { credentials })).toMatchObject({ ok: true });
  expect(rig.requests(route)).toHaveLength(2);
});

test.each([
  [
    { kind: 'status', status: 500, body: 'oops' },
    { code: 'token_http_500', isNotDone: true },
  ],
  [
    { kind: 'status', status: 429 },
    { code: 'rate_limited', isThrottled: true, isNotDone: true },
  ],
  [
    { kind: 'status', status: 200, body: 'hi' },
    { code: 'invalid_response', isNotDone: true },
  ],
  [{ kind: 'reset_after' }, { code: 'connection_reset', isNotDone: true }],
] as const)(
  'a token that fails by %j is the failure %j: nothing was sent',
  async (fault, wanted) => {
    const rig = await open();
    rig.account.server.faults = new FaultPlan([{ route, share: 1, fault }]);
    expect(await rig.failure([rig.change('S0', 2)])).toMatchObject({ scope: 'channel', ...wanted });
    expect(rig.requests('/bulk_update_price_quantity')).toEqual([]);
    // And the next one is asked for anew.
    rig.account.server.faults = new FaultPlan();
    expect(await rig.outcomes([rig.change('S0', 2)])).toEqual([{ kind: 'applied' }]);
  },
);

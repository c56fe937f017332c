import { expect, onTestFinished, test } from 'vitest';
import type { AccountOptions } from '../../../emulators/amazon/account.ts';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { AccountRig, skus } from './account-rig.ts';

async function open(options: AccountOptions = {}): Promise<AccountRig> {
  const rig = await AccountRig.open({ seed: { skus: skus(30, 1) }, ...options });
  onTestFinished(() => rig.close());
  return rig;
}

const listing = [{ storeId: 'main', sku: 'S0', externalIds: { sku: 'S0' } }];
const shown = { ok: true, quantities: [1] };

async function read(rig: AccountRig, more: Parameters<AccountRig['context']>[0] = {}) {
  return await rig.adapter.read?.(listing, rig.context(more));
}

test('a token is used until a minute before its end', async () => {
  const rig = await open();
  for (const minutes of [0, 30, 28]) {
    rig.pass(minutes * 60_000);
    expect(await read(rig)).toEqual(shown);
  }
  expect(rig.account.state.tokensGiven).toBe(1);
  rig.pass(60_000);
  expect(await read(rig)).toEqual(shown);
  expect(rig.account.state.tokensGiven).toBe(2);
});

test('those who need a token at the same time share one request', async () => {
  const rig = await open();
  const all = await Promise.all(Array.from({ length: 8 }, () => read(rig)));
  expect(all).toEqual(Array.from({ length: 8 }, () => shown));
  expect(rig.count('POST /auth/o2/token')).toBe(1);
});

test('a call that ends while it waits for a token does not end the others’ wait', async () => {
  const rig = await open();
  rig.account.server.faults = new FaultPlan([
    { route: 'POST /auth/o2/token', share: 1, fault: { kind: 'latency', ms: 150 } },
  ]);
  const signal = AbortSignal.timeout(20);
  const [hasty, patient] = await Promise.all([read(rig, { signal }), read(rig)]);
  expect(hasty).toMatchObject({ ok: false, failure: { code: 'timeout', isNotDone: true } });
  expect(patient).toEqual(shown);
  expect(rig.count('POST /auth/o2/token')).toBe(1);
});

test('a token that is refused before its time gets a successor, and the call goes on', async () => {
  const rig = await open();
  await read(rig);
  rig.account.state.tokens = {};
  await rig.accepted(rig.change('S0', 5));
  expect(rig.account.state.tokensGiven).toBe(2);
});

test('a missing role pauses the channel, and one successor is all that is asked for', async () => {
  const rig = await open();
  await read(rig);
  rig.account.state.isAllowed = false;
  const failure = await rig.failure([rig.change('S0', 5)]);
  expect(failure).toMatchObject({ code: 'forbidden', isNotDone: true });
  expect(failure.pause).toContain('role');
  expect(rig.account.state.tokensGiven).toBe(2);
});

test('credentials that are refused pause the channel and are told to nobody', async () => {
  const rig = await open();
  const credentials = { clientId: 'id', clientSecret: 'sesame', refreshToken: 'open' };
  const failure = await rig.failure([rig.change('S0', 5)], { credentials });
  expect(failure).toMatchObject({ code: 'unauthorized', scope: 'channel', isNotDone: true });
  expect(failure.pause).toContain('credentials');
  expect(JSON.stringify(failure)).not.toMatch(/sesame|open/);
  expect(await rig.adapter.verify?.(rig.context())).toEqual({ ok: true, httpStatus: 200 });
});

test('changed credentials get a token of their own', async () => {
  const rig = await open();
  await read(rig);
  rig.account.state.refreshToken = 'Atzr|next';
  const credentials = { ...rig.account.credentials, refreshToken: 'Atzr|next' };
  expect(await read(rig, { credentials })).toEqual(shown);
  expect(rig.account.state.tokensGiven).toBe(2);
});

test.each([
  [{ kind: 'status', status: 500, body: 'no' }, 'http_500'],
  [{ kind: 'status', status: 200, body: '{}' }, 'invalid_response'],
  [{ kind: 'status', status: 400, body: '<html>' }, 'http_400'],
  [{ kind: 'reset_after' }, 'connection_reset'],
] as const)('when the token request fails by %j, nothing was done', async (fault, code) => {
  const rig = await open();
  rig.account.server.faults = new FaultPlan([{ route: '/auth/o2/token', share: 1, fault }]);
  const failure = await rig.failure([rig.change('S0', 5)]);
  expect(failure).toMatchObject({ code, scope: 'channel', isNotDone: true });
  expect(failure.pause).toBeUndefined();
  rig.account.server.faults = new FaultPlan();
  expect(await read(rig)).toEqual(shown);
});

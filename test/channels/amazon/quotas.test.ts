import { expect, onTestFinished, test } from 'vitest';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { AccountRig, skus } from './account-rig.ts';

// What Amazon allows is shared by all calls, whatever becomes of them. Quotas are some times
// Amazon's here, of which a fresh account gives no more at once than Amazon does.

async function open(tokens: Readonly<Record<string, number>>, speed = 4): Promise<AccountRig> {
  const rig = await AccountRig.open({ seed: { skus: skus(30, 1) }, now: Date.now, speed });
  onTestFinished(() => rig.close());
  leave(rig, tokens);
  return rig;
}

/** How many calls of each operation are left now. */
function leave(rig: AccountRig, tokens: Readonly<Record<string, number>>): void {
  for (const [operation, left] of Object.entries(tokens)) {
    rig.account.state.buckets[operation] = { tokens: left, at: Date.now() };
  }
}

/** Nothing is left for so long that no slow machine sees the end of it. */
const exhausted = { getListingsItem: -1_000_000 };

function tooMuch(rig: AccountRig): number {
  return rig.account.server.journal.filter(({ answer }) => answer?.status === 429).length;
}

test('a lost answer among 20 patches makes no later one too much', async () => {
  const rig = await open({ patchListingsItem: 5 });
  rig.account.server.faults = new FaultPlan([
    { route: /\/S3$/, share: 1, fault: { kind: 'reset_after' } },
  ]);
  const outcomes = await rig.outcomes(...Object.keys(skus(20, 0)).map((sku) => rig.change(sku, 5)));
  expect(outcomes.map(({ kind }) => kind)).toEqual(outcomes.map(() => 'accepted'));
  expect([rig.count('PATCH'), tooMuch(rig)]).toEqual([20, 0]);
});

test('the calls of a seller share a quota: patches of two calls at once', async () => {
  const rig = await open({ patchListingsItem: 5 });
  const some = (from: number) =>
    Object.keys(skus(20, 0))
      .slice(from, from + 10)
      .map((sku) => rig.change(sku, 5));
  await Promise.all([rig.outcomes(...some(0)), rig.outcomes(...some(10))]);
  expect([rig.count('PATCH'), tooMuch(rig)]).toEqual([20, 0]);
});

test('one listing after the other is looked at no faster than Amazon allows', async () => {
  const rig = await open({ getListingsItem: 10 });
  const operation = `patch:${Date.now()}`;
  for (const sku of Object.keys(skus(20, 0))) await rig.confirm(operation, rig.change(sku, 1));
  expect([rig.count('GET'), tooMuch(rig)]).toEqual([20, 0]);
});

test('a request with a new token takes a turn of its own', async () => {
  const rig = await open({ patchListingsItem: 5 });
  await rig.accepted(...Object.keys(skus(4, 0)).map((sku) => rig.change(sku, 5)));
  rig.account.state.tokens = {};
  await rig.accepted(...Object.keys(skus(4, 0)).map((sku) => rig.change(sku, 6)));
  expect([rig.count('PATCH'), tooMuch(rig)]).toEqual([9, 0]);
});

test('a 429 says that somebody else has used the quota too', async () => {
  const rig = await open(exhausted, 1);
  const look = () => rig.confirm(`patch:${Date.now()}`, rig.change('S0', 1));
  expect(await look()).toMatchObject({ kind: 'failed', failure: { isThrottled: true } });
  leave(rig, { getListingsItem: 5 });
  expect(await look()).toMatchObject({ kind: 'done' });
  const isLook = /listings\/2021-08-01\/items/;
  const looks = rig.account.server.journal.filter(({ request }) => isLook.test(request.path));
  const [refused = 0, next = 0] = looks.map(({ at }) => at.getTime());
  // Five a second: whatever is left by now, its turn is a fifth of a second later.
  expect(next - refused).toBeGreaterThanOrEqual(190);
});

test('a call that ends while it waits for its turn has sent nothing', async () => {
  const rig = await open(exhausted, 0.1);
  const look = (signal: AbortSignal) => {
    const listing = [{ storeId: 'main', sku: 'S0', externalIds: { sku: 'S0' } }];
    return rig.adapter.read?.(listing, rig.context({ signal }));
  };
  const patient = AbortSignal.timeout(60_000);
  // From now on the adapter waits two seconds for its turn.
  expect(await look(patient)).toMatchObject({ ok: false, failure: { isThrottled: true } });
  leave(rig, { getListingsItem: 5 });
  expect(await look(AbortSignal.timeout(5))).toMatchObject({
    ok: false,
    failure: { code: 'timeout', isNotDone: true },
  });
  expect(await look(patient)).toMatchObject({ ok: true });
  expect([rig.count('GET'), tooMuch(rig)]).toEqual([2, 1]);
});

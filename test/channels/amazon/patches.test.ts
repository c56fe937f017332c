import { expect, onTestFinished, test } from 'vitest';
import type { Change } from '../../../src/channels/adapter.ts';
import type { AccountOptions } from '../../../emulators/amazon/account.ts';
import { FaultPlan, type Fault } from '../../../emulators/fault-plan.ts';
import { AccountRig, changeOf, skus } from './account-rig.ts';

async function open(options: AccountOptions = {}): Promise<AccountRig> {
  const rig = await AccountRig.open({ seed: { skus: skus(30, 1) }, ...options });
  onTestFinished(() => rig.close());
  return rig;
}

const patches = 'PATCH /listings/2021-08-01/items/A1SELLER/';

test('a few changes are patches, accepted and not yet shown', async () => {
  const rig = await open();
  const changes = [rig.change('S0', 5), rig.change('S1', 0)];
  const operation = await rig.accepted(...changes);
  expect([rig.account.stockOf('S0'), rig.account.stockOf('S1')]).toEqual([1, 1]);
  expect(await rig.confirm(operation, ...changes)).toMatchObject({ kind: 'pending' });
  rig.pass(1_000);
  const applied = { kind: 'applied' };
  expect(await rig.confirm(operation, ...changes)).toEqual({
    kind: 'done',
    outcomes: [applied, applied],
  });
  expect([rig.account.stockOf('S0'), rig.account.stockOf('S1')]).toEqual([5, 0]);
  expect(rig.count(patches)).toBe(2);
  expect(rig.account.state.invalid).toEqual([]);
  expect(rig.account.state.invalidAnswers).toEqual([]);
});

test('a patch merges the quantity and leaves the handling time as it is', async () => {
  const rig = await open();
  await rig.accepted(rig.change('S0', 5));
  rig.pass(1_000);
  expect(rig.account.stockOf('S0')).toBe(5);
  expect(rig.account.state.listings['S0']?.availability).toEqual([
    { fulfillment_channel_code: 'DEFAULT', quantity: 5, lead_time_to_ship_max_days: 2 },
  ]);
  const [call] = rig.account.server.journal.filter(({ request }) => request.method === 'PATCH');
  expect(JSON.parse(call?.request.body ?? '')).toEqual({
    productType: 'LUGGAGE',
    patches: [
      {
        op: 'merge',
        path: '/attributes/fulfillment_availability',
        value: [{ fulfillment_channel_code: 'DEFAULT', quantity: 5 }],
      },
    ],
  });
  expect(call?.request.query.get('marketplaceIds')).toBe('ATVPDKIKX0DER');
});

test('each listing has a result of its own', async () => {
  const rig = await open();
  const { listings } = rig.account.state;
  const [listing] = Object.values(listings);
  if (listing !== undefined) listing.issue = '8541';
  const outcomes = await rig.outcomes(
    rig.change('S0', 5),
    rig.change('S1', 6),
    rig.change('S99', 7),
    changeOf('x', 1, null),
    changeOf('y', 1, { sku: '..' }),
  );
  expect(outcomes).toEqual([
    { kind: 'refused', code: 'issue_8541' },
    { kind: 'accepted', operation: expect.stringMatching(/^patch:\d+$/) as unknown },
    { kind: 'refused', code: 'not_found' },
    { kind: 'refused', code: 'not_mapped' },
    { kind: 'refused', code: 'not_mapped' },
  ]);
});

test('patches go out no faster than the rate that the header tells', async () => {
  const rig = await open({ speed: 4, patchMs: 0 });
  rig.account.state.buckets['patchListingsItem'] = { tokens: 5, at: rig.now.getTime() };
  const changes = Object.keys(skus(9, 0)).map((sku) => rig.change(sku, 5));
  // The account's clock stands still: what goes out in its time is what is waited for.
  const from = performance.now();
  const result = await rig.publish(changes);
  const tookMs = performance.now() - from;
  expect(result).toMatchObject({ ok: true, failure: { isThrottled: true } });
  // All five again, at 20 a second.
  const nextCallInMs = (result.ok ? result.nextCallInMs : undefined) ?? 0;
  expect(nextCallInMs).toBeGreaterThan(200);
  expect(nextCallInMs).toBeLessThanOrEqual(250);
  // Five at once, and then at 20 a second: the sixth was no sooner than 50 ms after.
  expect(tookMs).toBeGreaterThanOrEqual(45);
  const kinds = result.ok ? result.outcomes?.map(({ kind }) => kind) : [];
  expect(kinds).toEqual([
    ...Array.from({ length: 5 }, () => 'accepted'),
    ...Array.from({ length: 4 }, () => 'retry'),
  ]);
  // They spend no attempt.
  const throttled = { code: 'quota_exceeded', retryAfterMs: 50, isThrottled: true };
  expect(result).toMatchObject({ outcomes: { 5: throttled, 8: throttled } });
  // Nothing more is sent after the first that was too much.
  expect(rig.count(patches)).toBe(6);
});

test('a call that ends at its timeout sends nothing more', async () => {
  const rig = await open();
  const timeout = new AbortController();
  // It ends while the second patch is worked.
  rig.account.server.faults.next = (_, path) => {
    if (path.endsWith('/S1')) timeout.abort();
    return undefined;
  };
  const changes = ['S0', 'S1', 'S2'].map((sku) => rig.change(sku, 5));
  const result = await rig.publish(changes, { signal: timeout.signal });
  expect(result).toMatchObject({
    outcomes: [
      { kind: 'accepted', operation: expect.stringContaining('patch:') as unknown },
      { kind: 'accepted', operation: expect.stringContaining('unanswered:') as unknown },
      { kind: 'retry', code: 'timeout' },
    ],
  });
  expect(rig.count(`${patches}S2`)).toBe(0);
});

test('a patch whose time is over before it goes out has done nothing', async () => {
  const rig = await open();
  await rig.accepted(rig.change('S0', 2));
  const failure = await rig.failure([rig.change('S1', 5)], { signal: AbortSignal.abort() });
  expect(failure).toEqual({ code: 'timeout', scope: 'channel', isNotDone: true });
  expect(rig.count(`${patches}S1`)).toBe(0);
});

test('a call whose first patch is too much is throttled, and nothing was done', async () => {
  const rig = await open({ speed: 1 });
  rig.account.state.buckets['patchListingsItem'] = { tokens: 0, at: rig.now.getTime() };
  expect(await rig.failure([rig.change('S0', 5), rig.change('S1', 5)])).toEqual({
    code: 'quota_exceeded',
    httpStatus: 429,
    scope: 'channel',
    isThrottled: true,
    isNotDone: true,
    retryAfterMs: 200,
  });
});

const lost: Fault = { kind: 'reset_after' };

/** The names of what the listings of a call wait for; of others what became of them. */
async function names(rig: AccountRig, ...changes: readonly Change[]): Promise<readonly string[]> {
  return (await rig.outcomes(...changes)).map((outcome) => {
    if (outcome.kind === 'accepted') return outcome.operation?.split(':')[0] ?? '';
    return 'code' in outcome ? `${outcome.kind} ${outcome.code}` : outcome.kind;
  });
}

/** Lets the answers about listings be lost. */
function lose(rig: AccountRig, ...lostSkus: readonly string[]): void {
  const rules = lostSkus.map((sku) => ({ route: new RegExp(`/${sku}$`), share: 1, fault: lost }));
  rig.account.server.faults = new FaultPlan(rules);
}

test.each([
  ['S0', ['unanswered', 'patch', 'patch']],
  ['S1', ['patch', 'unanswered', 'patch']],
  ['S2', ['patch', 'patch', 'unanswered']],
])('when the answer for %s is lost nothing is sent again, and the others go on', async (...all) => {
  const [sku, expected] = all;
  const rig = await open();
  lose(rig, sku);
  const changes = ['S0', 'S1', 'S2'].map((name) => rig.change(name, 5));
  expect(await names(rig, ...changes)).toEqual(expected);
  expect(rig.count(patches)).toBe(3);
});

test('after two lost answers in a row the listings that are left wait', async () => {
  const rig = await open();
  lose(rig, 'S1', 'S2');
  const changes = ['S0', 'S1', 'S2', 'S3'].map((name) => rig.change(name, 5));
  const result = await rig.publish(changes);
  expect(result).toMatchObject({
    ok: true,
    failure: { code: 'connection_reset', scope: 'channel' },
    outcomes: [{}, { kind: 'accepted' }, { kind: 'accepted' }, { kind: 'retry' }],
  });
  expect(rig.count(`${patches}S3`)).toBe(0);
});

test('a lost patch that is applied late is applied before anything newer is said', async () => {
  const rig = await open();
  rig.account.state.nextPatchMs.push(2_500, 300);
  lose(rig, 'S0');
  const change = rig.change('S0', 5, 1);
  const operation = await rig.accepted(change);
  expect(operation).toBe(`unanswered:${rig.now.getTime()}`);
  rig.account.server.faults = new FaultPlan();
  rig.pass(300);
  expect(await rig.confirm(operation, change)).toMatchObject({ kind: 'pending' });
  rig.pass(2_200);
  expect(await rig.confirm(operation, change)).toEqual({
    kind: 'done',
    outcomes: [{ kind: 'applied' }],
  });
  expect(rig.account.history('S0').map(({ quantity }) => quantity)).toEqual([5]);
});

test('one that is not shown within half a minute is sent anew', async () => {
  const rig = await open({ patchMs: 3_600_000 });
  lose(rig, 'S0');
  const change = rig.change('S0', 5, 1);
  const operation = await rig.accepted(change);
  rig.account.server.faults = new FaultPlan();
  rig.pass(29_000);
  expect(await rig.confirm(operation, change)).toMatchObject({ kind: 'pending' });
  rig.pass(1_000);
  expect(await rig.confirm(operation, change)).toEqual({
    kind: 'done',
    outcomes: [{ kind: 'retry', code: 'unanswered', retryAfterMs: 0 }],
  });
});

test('a lost patch of what may have been shown before is left half a minute', async () => {
  const rig = await open();
  lose(rig, 'S0');
  const changes = [rig.change('S0', 1, null), rig.change('S0', 1, 1)];
  const operation = await rig.accepted(rig.change('S0', 1));
  rig.account.server.faults = new FaultPlan();
  for (const change of changes) {
    expect(await rig.confirm(operation, change)).toMatchObject({ kind: 'pending' });
  }
  rig.pass(30_000);
  for (const change of changes) {
    expect(await rig.confirm(operation, change)).toMatchObject({ outcomes: [{ kind: 'applied' }] });
  }
});

test('what a repeated call may have sent twice is left half a minute', async () => {
  const rig = await open();
  // What the process sent before it ended is applied after what is sent now.
  rig.account.state.nextPatchMs.push(2_500, 300);
  const change = rig.change('S0', 5, 1);
  await rig.publish([change]);
  const result = await rig.publish([change, rig.change('S1', 6, 1)], { isRepeated: true });
  const operation = `repeated:${rig.now.getTime()}`;
  const accepted = { kind: 'accepted', operation };
  expect(result).toMatchObject({ ok: true, outcomes: [accepted, accepted] });
  rig.pass(300);
  expect(rig.account.stockOf('S0')).toBe(5);
  expect(await rig.confirm(operation, change)).toMatchObject({ kind: 'pending' });
  rig.pass(29_700);
  expect(await rig.confirm(operation, change)).toEqual({
    kind: 'done',
    outcomes: [{ kind: 'applied' }],
  });
});

test('what a repeated call does not come to is looked for: it may have been sent', async () => {
  const rig = await open();
  lose(rig, 'S1', 'S2');
  const changes = ['S0', 'S1', 'S2', 'S3'].map((name) => rig.change(name, 5));
  const result = await rig.publish(changes, { isRepeated: true });
  const kinds = result.ok ? result.outcomes?.map(({ kind }) => kind) : [];
  expect(kinds).toEqual(changes.map(() => 'accepted'));
  expect(rig.count(`${patches}S3`)).toBe(0);
});

/** What is no word of Amazon's. */
function foreign(status: number): Fault {
  return { kind: 'status', status, body: '<html>no</html>' };
}

test.each([302, 403, 404, 409, 413])(
  'an answer of %i without a word of Amazon’s refuses no listing',
  async (status) => {
    const rig = await open();
    const rules = [{ route: '/S1', share: 1, fault: foreign(status) }];
    rig.account.server.faults = new FaultPlan(rules);
    const changes = ['S0', 'S1', 'S2'].map((name) => rig.change(name, 5));
    // After a conflict nobody knows what was done.
    const left = status === 409 ? 'unanswered' : `retry http_${status}`;
    expect(await names(rig, ...changes)).toEqual(['patch', left, 'patch']);
    expect(await rig.publish([rig.change('S1', 5)])).toMatchObject(
      status === 409 ? { ok: true, failure: {} } : { ok: false, failure: { scope: 'channel' } },
    );
  },
);

test('a figure that is neither ours nor the one before is told after two minutes', async () => {
  const rig = await open({ patchMs: 60_000 });
  const change = rig.change('S0', 5, 1);
  const operation = await rig.accepted(change);
  rig.pass(60_000);
  rig.account.sell('S0', 2);
  expect(await rig.confirm(operation, change)).toEqual({ kind: 'pending', retryAfterMs: 15_000 });
  rig.pass(60_000);
  expect(await rig.confirm(operation, change)).toEqual({
    kind: 'done',
    outcomes: [{ kind: 'stale', observed: 3 }],
  });
});

test('any other may be the figure before where that is not known', async () => {
  const rig = await open({ patchMs: 3_600_000 });
  const change = rig.change('S0', 5);
  const operation = await rig.accepted(change);
  rig.pass(899_000);
  expect(await rig.confirm(operation, change)).toMatchObject({ kind: 'pending' });
  rig.pass(1_000);
  expect(await rig.confirm(operation, change)).toEqual({
    kind: 'done',
    outcomes: [{ kind: 'stale', observed: 1 }],
  });
});

test('while it shows the figure before, a quarter of an hour is waited', async () => {
  const rig = await open({ patchMs: 3_600_000 });
  const change = rig.change('S0', 5, 1);
  const operation = await rig.accepted(change);
  rig.pass(899_000);
  expect(await rig.confirm(operation, change)).toMatchObject({ kind: 'pending' });
  rig.pass(1_000);
  expect(await rig.confirm(operation, change)).toEqual({
    kind: 'done',
    outcomes: [{ kind: 'retry', code: 'not_shown', retryAfterMs: 0 }],
  });
});

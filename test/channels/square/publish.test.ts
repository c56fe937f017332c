import { expect, onTestFinished, test } from 'vitest';
import type { SellerOptions } from '../../../emulators/square/seller.ts';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { changeOf, SellerRig, skus } from './seller-rig.ts';

async function open(options: SellerOptions = {}): Promise<SellerRig> {
  const rig = await SellerRig.open(options);
  onTestFinished(() => rig.close());
  return rig;
}

const hourMs = 3_600_000;

test('100 counts are one request, which Square’s specification allows', async () => {
  const rig = await open({ seed: { skus: skus(100, 1) } });
  const changes = Object.keys(skus(100, 1)).map((sku, i) => rig.change(sku, i));
  expect(await rig.outcomes(...changes)).toEqual(changes.map(() => ({ kind: 'applied' })));
  expect(changes.map(({ sku }) => rig.seller.stockOf(sku))).toEqual(changes.map((_, i) => i));
  expect(rig.seller.server.journal).toHaveLength(1);
  expect(rig.seller.state.invalid).toEqual([]);
});

test('counts are of the time when their figures were read, and quantities are text', async () => {
  const rig = await open({ seed: { skus: skus(1, 1) } });
  const readAt = rig.now;
  rig.pass(1_500);
  await rig.publish([rig.change('S0', 5)], { readAt });
  const [call] = rig.seller.server.journal;
  expect(JSON.parse(call?.request.body ?? '')).toMatchObject({
    idempotency_key: 'msg_1',
    ignore_unchanged_counts: false,
    changes: [
      {
        type: 'PHYSICAL_COUNT',
        physical_count: { quantity: '5', occurred_at: readAt.toISOString(), state: 'IN_STOCK' },
      },
    ],
  });
});

test('a count that arrives late does not undo a newer one', async () => {
  const rig = await open({ seed: { skus: skus(1, 1) } });
  const older = { messageId: 'msg_old', readAt: rig.now };
  rig.pass(1_000);
  const newer = rig.context();
  rig.pass(1_000);
  expect(await rig.publish([rig.change('S0', 8)], newer)).toMatchObject({ ok: true });
  const late = await rig.publish([rig.change('S0', 3)], older);
  expect(late).toMatchObject({ outcomes: [{ kind: 'stale', observed: 8 }] });
  expect(rig.seller.stockOf('S0')).toBe(8);
});

test('a count by hand is found, and ours goes over it when it is read again', async () => {
  const rig = await open({ seed: { skus: skus(1, 1) } });
  const readAt = rig.now;
  rig.pass(1_000);
  rig.seller.countByHand('S0', 4);
  rig.pass(1_000);
  const result = await rig.publish([rig.change('S0', 9)], { readAt });
  expect(result).toMatchObject({ outcomes: [{ kind: 'stale', observed: 4 }] });
  expect(await rig.outcomes(rig.change('S0', 9))).toEqual([{ kind: 'applied' }]);
  expect(rig.seller.stockOf('S0')).toBe(9);
});

test('the same figure as before counts, when something was sold in between', async () => {
  const rig = await open({ seed: { skus: skus(1, 1) } });
  await rig.outcomes(rig.change('S0', 10));
  rig.pass(1_000);
  rig.seller.sell('S0', 3);
  expect(rig.seller.stockOf('S0')).toBe(7);
  rig.pass(1_000);
  expect(await rig.outcomes(rig.change('S0', 10))).toEqual([{ kind: 'applied' }]);
  expect(rig.seller.stockOf('S0')).toBe(10);
});

test.each([1, 2])('what the answer does not count was taken: %i of 2', async (estimated) => {
  const rig = await open({ seed: { skus: skus(2, 1) } });
  for (const variation of Object.values(rig.seller.state.variations).slice(0, estimated)) {
    variation.isEstimated = true;
  }
  const changes = [rig.change('S0', 5), rig.change('S1', 6)];
  expect(await rig.outcomes(...changes)).toEqual([{ kind: 'applied' }, { kind: 'applied' }]);
  expect(['S0', 'S1'].map((sku) => rig.seller.stockOf(sku))).toEqual([5, 6]);
});

test('a repeat says the same under the same key and is done once', async () => {
  const rig = await open({ seed: { skus: skus(3, 1) } });
  const changes = [rig.change('S0', 5), rig.change('S1', 6)];
  const context = rig.context();
  rig.seller.server.faults = new FaultPlan([{ share: 1, fault: { kind: 'reset_after' } }]);
  const lost = await rig.failure(changes, context);
  expect(lost).toEqual({ code: 'connection_reset', scope: 'channel' });
  rig.seller.server.faults = new FaultPlan();
  rig.pass(5 * hourMs);
  const again = await rig.publish(changes, context);
  expect(again).toMatchObject({ ok: true, outcomes: [{ kind: 'applied' }, { kind: 'applied' }] });
  expect(rig.seller.state.mismatches).toEqual([]);
  expect(rig.seller.state.keys['msg_1']?.repeats).toBe(1);
  expect(rig.seller.history('S0')).toHaveLength(2);
});

test('a key known with other content fails the call, which is then made anew', async () => {
  const rig = await open({ seed: { skus: skus(1, 1) } });
  const messageId = 'msg_twice';
  await rig.publish([rig.change('S0', 5)], { messageId });
  const failure = await rig.failure([rig.change('S0', 6)], { messageId });
  expect(failure).toMatchObject({ code: 'idempotency_key_reused', isNotDone: true });
  expect(rig.seller.stockOf('S0')).toBe(5);
});

test('a long message id is a key that Square takes', async () => {
  const rig = await open({ seed: { skus: skus(1, 1) } });
  const result = await rig.publish([rig.change('S0', 5)], { messageId: 'm'.repeat(200) });
  expect(result).toMatchObject({ ok: true });
  expect(Object.keys(rig.seller.state.keys)[0]).toHaveLength(64);
});

test('rows that Square does not take are refused, and the others are done', async () => {
  const rig = await open({ seed: { skus: skus(60, 1) } });
  const good = Object.keys(skus(60, 1)).map((sku) => rig.change(sku, 9));
  const unknown = changeOf('gone', 9, { catalogObjectId: 'V999', locationId: 'L1' });
  const elsewhere = changeOf('away', 9, { catalogObjectId: 'V1', locationId: 'L9' });
  const unmapped = changeOf('none', 9, null);
  const changes = [unknown, ...good.slice(0, 40), elsewhere, unmapped, ...good.slice(40)];
  const context = rig.context();
  const result = await rig.publish(changes, context);
  const expected = changes.map((change) => {
    if (change === unknown) return { kind: 'refused', code: 'not_found' };
    if (change === elsewhere) return { kind: 'refused', code: 'invalid_value' };
    if (change === unmapped) return { kind: 'refused', code: 'not_mapped' };
    return { kind: 'applied' };
  });
  expect(result).toMatchObject({ ok: true, outcomes: expected });
  expect(good.map(({ sku }) => rig.seller.stockOf(sku))).toEqual(good.map(() => 9));
  // The parts have keys of their own, and a repeat of the call has the same.
  expect(await rig.publish(changes, context)).toEqual(result);
  expect(rig.seller.state.mismatches).toEqual([]);
  expect(rig.seller.history('S0')).toHaveLength(2);
});

test('where a part of a call has no answer nobody says that nothing was done', async () => {
  const rig = await open({ seed: { skus: skus(3, 1) } });
  const changes = ['S0', 'S1', 'S2'].map((sku) => rig.change(sku, 9));
  changes.push(changeOf('gone', 9, { catalogObjectId: 'V999', locationId: 'L1' }));
  const { server } = rig.seller;
  const faults = server.faults;
  // The whole call and its first half get through; then Square has had enough.
  let calls = 0;
  faults.next = () => {
    calls += 1;
    return calls > 2 ? { kind: 'status', status: 429 } : undefined;
  };
  expect(await rig.failure(changes)).toMatchObject({ isThrottled: true, isNotDone: false });
  expect(rig.seller.stockOf('S0')).toBe(9);
});

test('a call that is too old is made anew, one whose time has not come repeated', async () => {
  const rig = await open({ seed: { skus: skus(1, 1) } });
  const old = rig.context();
  rig.pass(25 * hourMs);
  const tooOld = await rig.failure([rig.change('S0', 5)], old);
  expect(tooOld).toMatchObject({ code: 'invalid_time', scope: 'request', isNotDone: true });
  const early = rig.context({ readAt: new Date(rig.now.getTime() + 2_000) });
  const ahead = await rig.failure([rig.change('S0', 5)], early);
  expect(ahead).toMatchObject({ code: 'invalid_time', isNotDone: false });
  rig.pass(2_000);
  expect(await rig.publish([rig.change('S0', 5)], early)).toMatchObject({ ok: true });
});

test('where nothing is mapped nothing is asked', async () => {
  const rig = await open();
  expect(await rig.outcomes(changeOf('none', 5, null))).toEqual([
    { kind: 'refused', code: 'not_mapped' },
  ]);
  expect(rig.seller.server.journal).toEqual([]);
});

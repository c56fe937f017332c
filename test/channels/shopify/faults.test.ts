import { expect, onTestFinished, test } from 'vitest';
import { FaultPlan, type FaultRule } from '../../../emulators/fault-plan.ts';
import { ShopRig, skus } from './shop-rig.ts';

const throttled = {
  errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
  extensions: {
    cost: {
      requestedQueryCost: 12,
      actualQueryCost: null,
      throttleStatus: { maximumAvailable: 2_000, currentlyAvailable: 11, restoreRate: 500 },
    },
  },
};

/** One call in five fails somehow, one in twenty is done and not answered, and bursts of 429. */
export const unkindly: readonly FaultRule[] = [
  { share: 0.05, fault: { kind: 'reset_after' } },
  { share: 0.04, fault: { kind: 'reset_before' } },
  { share: 0.03, fault: { kind: 'truncated' } },
  { share: 0.04, fault: { kind: 'status', status: 502 } },
  { share: 0.02, fault: { kind: 'status', status: 200, body: throttled }, burst: 3 },
  {
    share: 0.01,
    fault: { kind: 'status', status: 429, headers: { 'retry-after': '0' } },
    burst: 3,
  },
];

test('whatever fails, a figure is set once and the newest one stays', async () => {
  const faults = new FaultPlan(unkindly, 7);
  const rig = await ShopRig.open({ seed: { skus: skus(20, 100) }, faults });
  onTestFinished(() => rig.close());
  const shown = new Map(Object.entries(skus(20, 100)));
  let failures = 0;
  for (let i = 0; i < 150; i += 1) {
    // Ten SKUs get a new figure; the call is repeated under its key until it is answered.
    const changes = Array.from({ length: 10 }, (_, j) => {
      const sku = `S${(i * 7 + j) % 20}`;
      return rig.change(sku, 1_000 + i, shown.get(sku) ?? null);
    });
    const publish = () => rig.publish(changes, { messageId: `msg_of_call_${i}` });
    let result = await publish();
    for (; !result.ok; result = await publish()) failures += 1;
    expect(result.outcomes).toEqual(changes.map(() => ({ kind: 'applied' })));
    for (const { sku, available } of changes) shown.set(sku, available);
  }
  expect(failures).toBeGreaterThan(20);
  const { state } = rig.shop;
  const repeats = Object.values(state.keys).filter((key) => key.repeats > 0);
  expect(repeats.length).toBeGreaterThan(3);
  expect(state.mismatches).toEqual([]);
  for (const [sku, quantity] of shown) {
    expect(rig.shop.available(sku)).toBe(quantity);
    const writes = rig.shop.history(sku);
    // Each figure once, and none after a newer one.
    expect(writes.map(({ to }) => to)).toEqual(
      writes.map(({ to }) => to).toSorted((a, b) => a - b),
    );
    expect(new Set(writes.map(({ key }) => key)).size).toBe(writes.length);
  }
  expect(state.writes).toHaveLength(1_500);
});

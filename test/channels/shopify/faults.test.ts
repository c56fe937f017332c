import { expect, onTestFinished, test } from 'vitest';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { unkindly } from './faults.ts';
import { ShopRig, skus } from './shop-rig.ts';

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

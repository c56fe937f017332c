import { expect, onTestFinished, test } from 'vitest';
import { FaultPlan } from '../../../emulators/fault-plan.ts';
import { ShopRig, skus } from './shop-rig.ts';

/** A shop with a bucket of its own and a clock that only moves when it is told. */
async function openShop(
  bucket: { capacity: number; restoreRate: number },
  count = 3,
): Promise<{ rig: ShopRig; clock: { now: number } }> {
  const clock = { now: Date.parse('2026-11-21T00:00:00Z') };
  const seed = { skus: skus(count, 10), bucket };
  const rig = await ShopRig.open({ seed, now: () => clock.now });
  onTestFinished(() => rig.close());
  return { rig, clock };
}

test('calls that wait as long as they are told never find the bucket too low', async () => {
  const { rig, clock } = await openShop({ capacity: 30, restoreRate: 8 });
  let waited = 0;
  for (let i = 1; i <= 40; i += 1) {
    const result = await rig.publish([rig.change('S0', 10 + i, 9 + i)]);
    const wait = (result.ok && result.nextCallInMs) || 0;
    clock.now += wait;
    waited += wait;
  }
  expect(rig.shop.available('S0')).toBe(50);
  expect(rig.shop.state.throttled).toBe(0);
  // 40 calls of 12 points less the 30 that were there, at 8 a second, and never idly longer.
  const least = ((39 * 12 - 30) / 8) * 1_000;
  expect(waited).toBeGreaterThanOrEqual(least);
  expect(waited).toBeLessThan(least * 1.1);
});

test('a throttled call waits as the figures say, to the millisecond', async () => {
  const { rig, clock } = await openShop({ capacity: 2_000, restoreRate: 50 });
  rig.shop.state.bucket.level = 5;
  const failure = await rig.failure(rig.change('S0', 7, 10));
  expect(failure).toEqual({
    code: 'throttled',
    httpStatus: 200,
    scope: 'channel',
    isThrottled: true,
    isNotDone: true,
    retryAfterMs: 140,
  });
  clock.now += 139;
  expect(await rig.failure(rig.change('S0', 7, 10))).toMatchObject({ retryAfterMs: 20 });
  clock.now += 1;
  expect(await rig.outcomes(rig.change('S0', 7, 10))).toEqual([{ kind: 'applied' }]);
});

test('a stale call whose levels cannot be read yet waits for all of it', async () => {
  const { rig, clock } = await openShop({ capacity: 1_000, restoreRate: 100 }, 250);
  rig.shop.setByHand('S0', 3);
  const changes = Object.keys(skus(250, 0)).map((sku) => rig.change(sku, 7, 10));
  rig.shop.state.bucket.level = 500;
  const failure = await rig.failure(...changes);
  expect(failure).toMatchObject({ code: 'throttled', isThrottled: true, isNotDone: true });
  expect(rig.asked).toEqual(['SetQuantities', 'Levels', 'Levels']);
  clock.now += failure.retryAfterMs ?? 0;
  const outcomes = await rig.outcomes(...changes);
  expect(outcomes.filter(({ kind }) => kind === 'stale')).toHaveLength(250);
  expect(rig.shop.state.throttled).toBe(1);
});

test('a throttled answer without figures is waited for all the same', async () => {
  const { rig } = await openShop({ capacity: 2_000, restoreRate: 100 });
  const throttled = { errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }] };
  const bodies: unknown[] = [
    throttled,
    { ...throttled, extensions: { cost: { requestedQueryCost: 'much' } } },
  ];
  for (const body of bodies) {
    const fault = { kind: 'status', status: 200, body } as const;
    rig.shop.server.faults = new FaultPlan([{ share: 1, fault }]);
    const failure = await rig.failure(rig.change('S0', 7, 10));
    expect(failure).toMatchObject({ isThrottled: true, isNotDone: true, retryAfterMs: 1_000 });
  }
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { approveQuarantine, refuseQuarantine } from '../../src/sources/index.ts';
import type { SourceItem } from '../../src/sources/index.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { adjust, merchantId, newSku } from '../support/stock.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// What a source says moved, beside the figures that it tells.

let rig: SourcesRig;
beforeAll(async () => {
  rig = await openSourcesRig();
  await rig.put({ sourceId: 'erp', guards: { maxDeltaPercent: 50 } });
});
afterAll(() => rig.close());

const minute = 60_000;
const now = Date.now() - 60 * minute;

/** Items of one SKU, each a push of its own, and what is on hand in the end. */
async function told(...items: Partial<SourceItem>[]): Promise<number | undefined> {
  const sku = newSku();
  for (const [index, one] of items.entries()) {
    await rig.push('erp', [{ id: `${sku}-${index}`, sku, ...one }]);
  }
  return await rig.quantity(sku);
}

const set = (version: string, value: number, ms: number): Partial<SourceItem> => {
  return { version, value, observedAt: new Date(ms) };
};
const moved = (version: string, value: number, ms: number): Partial<SourceItem> => {
  return { op: 'adjust', ...set(version, value, ms) };
};

test.each([
  ['whose items all have one time', 0, 0],
  ['whose times rise', minute, 0],
  ['whose clock is ahead', minute, 70 * minute],
])('a late figure leaves newer movements on top, of a source %s', async (_name, step, ahead) => {
  const [first, second, third] = [0, 1, 2].map((n) => now + ahead + n * step) as [
    number,
    number,
    number,
  ];
  expect(await told(set('1', 10, first), moved('3', 3, third), set('2', 14, second))).toBe(17);
});

test('a figure has movements in it that are older by version, whatever their times', async () => {
  const [early, late] = [now + 4_000, now + 5_000];
  expect(await told(set('1', 10, now), moved('2', 3, late), set('3', 13, early))).toBe(13);
  // And so it is for every figure after it.
  const more = [moved('2', 3, late), set('3', 13, early), set('4', 12, early)];
  expect(await told(set('1', 10, now), ...more)).toBe(12);
});

test('movements and orders both stay on top of a late figure', async () => {
  const sku = newSku();
  await rig.push('erp', [{ sku, ...set('1', 40, now) }]);
  await rig.push('erp', [{ sku, ...moved('3', 3, now) }]);
  await rig.writer.submitOne(adjust(sku, -5));
  await rig.push('erp', [{ sku, ...set('2', 41, now) }]);
  expect(await rig.quantity(sku)).toBe(39);
  await expectCleanAudit(rig.pool);
});

test('a movement is not lost with a figure of its page that waits and is refused', async () => {
  for (const decide of [refuseQuarantine, approveQuarantine]) {
    const sku = newSku();
    await rig.push('erp', [{ sku, ...set('1', 40, now) }]);
    const page = [
      { id: `out-${sku}`, sku, ...moved('2', -2, now) },
      { id: `set-${sku}`, sku, ...set('3', 4000, now) },
    ];
    const run = await rig.push('erp', page);
    expect(run).toMatchObject({ applied: 1, quarantined: 1, stale: 0 });
    expect(await rig.quantity(sku)).toBe(38);
    await decide(rig.context, { merchantId, id: run.runId, actor: 'key_test' });
    expect(await rig.quantity(sku)).toBe(decide === refuseQuarantine ? 38 : 4000);
  }
});

test('a movement that the figure of its page has in it is not counted', async () => {
  const sku = newSku();
  await rig.push('erp', [{ sku, ...set('1', 40, now) }]);
  const page = [
    { id: `out-${sku}`, sku, ...moved('2', -2, now) },
    { sku, ...set('3', 38, now) },
    { id: `in-${sku}`, sku, ...moved('4', 1, now) },
  ];
  expect(await rig.push('erp', page)).toMatchObject({ applied: 2, stale: 1 });
  expect(await rig.quantity(sku)).toBe(39);
});

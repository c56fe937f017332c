import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareFigures } from '../../src/sources/index.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { adjust, count, merchantId, newSku } from '../support/stock.ts';
import { item, openSourcesRig, type SourcesRig } from './rig.ts';

// What somebody counted here, beside what a source says.

let rig: SourcesRig;
beforeAll(async () => {
  rig = await openSourcesRig();
  await rig.put({ sourceId: 'erp' });
});
afterAll(() => rig.close());

const erp = { merchantId, sourceId: 'erp' };
const ago = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);

test('a count from before the source spoke is no movement; what was sold since is', async () => {
  const sku = newSku();
  await rig.writer.submitOne(count(sku, 50));
  await rig.push('erp', [{ sku, value: 40, observedAt: ago(60) }]);
  expect(await rig.quantity(sku)).toBe(40);
  const other = newSku();
  await rig.writer.submit([count(other, 50), adjust(other, -3), count(other, 60)]);
  await rig.push('erp', [{ sku: other, value: 40, observedAt: ago(60) }]);
  expect(await rig.quantity(other)).toBe(37);
});

test('a count that is newer than the figure stays, with what moved since', async () => {
  const sku = newSku();
  await rig.push('erp', [{ sku, value: 40, observedAt: ago(60) }]);
  await rig.writer.submit([adjust(sku, -1), count(sku, 38)]);
  const late = item({ sku, value: 38, observedAt: ago(1) });
  const asked = [{ item: late, readAt: new Date() }];
  const compared = await compareFigures(rig.context, erp, asked);
  expect(compared).toMatchObject([{ expected: 38, observed: 38 }]);
  expect(await rig.push('erp', [late])).toMatchObject({ unchanged: 1 });
  expect(await rig.quantity(sku)).toBe(38);
  await rig.writer.submitOne(adjust(sku, -4));
  const moved = { id: `in-${sku}`, sku, op: 'adjust', value: 2 } as const;
  await rig.push('erp', [{ ...moved, observedAt: ago(0.5) }]);
  await rig.push('erp', [{ sku, value: 39, observedAt: ago(0.2) }]);
  expect(await rig.quantity(sku)).toBe(36);
  // Until the source has looked later.
  await rig.push('erp', [{ sku, value: 35, observedAt: new Date(Date.now() + 1_000) }]);
  expect(await rig.quantity(sku)).toBe(35);
  await expectCleanAudit(rig.pool);
});

test('a source that never spoke is held against what moved, and not against a count', async () => {
  const sku = newSku();
  await rig.writer.submit([count(sku, 50), adjust(sku, -2)]);
  const asked = [{ item: item({ sku, value: 40, observedAt: ago(60) }), readAt: new Date() }];
  const compared = await compareFigures(rig.context, erp, asked);
  expect(compared).toMatchObject([{ current: 48, expected: 50, observed: 40 }]);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareFigures, correctFigures } from '../../src/sources/index.ts';
import { adjust, merchantId, newSku } from '../support/stock.ts';
import { item, openSourcesRig, type SourcesRig } from './rig.ts';

// What a source says, held against ours as of the same moment.

let rig: SourcesRig;
beforeAll(async () => {
  rig = await openSourcesRig();
  await rig.put({ sourceId: 'erp' });
});
afterAll(() => rig.close());

const erp = { merchantId, sourceId: 'erp' };

test('what was recorded since and is archived makes no drift, and gives nothing back', async () => {
  const sku = newSku();
  const observedAt = new Date(Date.now() - 3_600_000);
  const figure = item({ sku, value: 40, observedAt });
  await rig.push('erp', [figure]);
  await rig.writer.submitOne(adjust(sku, -5));
  const asked = [{ item: figure, readAt: new Date() }];
  const now = await compareFigures(rig.context, erp, asked);
  expect(now).toMatchObject([{ expected: 40, observed: 40, isOutdated: false }]);
  // As archiving leaves it.
  await rig.pool.query(
    `with gone as (delete from ledger_entry where sku = $1 returning recorded_at)
     insert into ledger_opening select merchant_id, sku, location_id, version, on_hand, reserved,
       allocated, open_orders, pending_sales, unavailable, safety_stock, incoming,
       (select max(recorded_at) from gone)
     from stock_level where sku = $1`,
    [sku],
  );
  const later = await compareFigures(rig.context, erp, asked);
  expect(later).toMatchObject([{ isOutdated: true }]);
  const correction = { item: figure, readAt: new Date(), driftId: 'drf_1', units: -5 };
  const corrected = await correctFigures(rig.context, erp, [correction], async () => undefined);
  expect(corrected).toEqual([{ driftId: 'drf_1', kind: 'gone' }]);
  expect(await rig.quantity(sku)).toBe(35);
});

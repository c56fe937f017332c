import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { adjust, ledgerOf, newSku } from '../support/stock.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// What a source's reports do to stock.

let rig: SourcesRig;
beforeAll(async () => {
  rig = await openSourcesRig();
  await rig.put({ sourceId: 'erp', owns: [{ quantity: 'onHand' }, { quantity: 'incoming' }] });
});
afterAll(() => rig.close());

const at = (time: string): Date => new Date(`2026-11-20T${time}Z`);

test('a figure is brought about, with its source and its item in the ledger', async () => {
  const sku = newSku();
  const run = await rig.push('erp', [{ id: 'evt-1', sku, value: 40 }]);
  expect(run).toMatchObject({ read: 1, applied: 1, status: 'succeeded' });
  expect(await rig.quantity(sku)).toBe(40);
  const { rows } = await rig.pool.query(
    'select reason, reference, actor, delta from ledger_entry where sku = $1',
    [sku],
  );
  expect(rows).toEqual([
    { reason: 'source.set', reference: 'evt-1', actor: 'source:erp', delta: 40 },
  ]);
  await expectCleanAudit(rig.pool);
});

test('the same items again change nothing, in the same page or in another', async () => {
  const sku = newSku();
  const set = { id: 'set', sku, version: '7', value: 10 };
  const moved = { id: `moved-${sku}`, sku, op: 'adjust', value: -3, version: '8' } as const;
  const first = await rig.push('erp', [set, moved, set, moved]);
  expect(first).toMatchObject({ read: 4, applied: 2, unchanged: 2 });
  const again = await rig.push('erp', [set, moved]);
  expect(again).toMatchObject({ applied: 0, stale: 0, unchanged: 2 });
  expect(await rig.quantity(sku)).toBe(7);
  expect(await ledgerOf(rig.pool, sku)).toHaveLength(2);
});

test('the newest version wins whatever the order; older ones are ignored and counted', async () => {
  const sku = newSku();
  const run = await rig.push('erp', [
    { sku, version: '10', value: 10 },
    { sku, version: '9', value: 9 },
  ]);
  expect(run).toMatchObject({ applied: 1, stale: 1 });
  expect(await rig.push('erp', [{ sku, version: '8', value: 8 }])).toMatchObject({ stale: 1 });
  expect(await rig.quantity(sku)).toBe(10);
});

test('without versions the time of observation orders, and may be the same twice', async () => {
  const sku = newSku();
  await rig.push('erp', [{ sku, value: 5, observedAt: at('10:00:00') }]);
  const older = await rig.push('erp', [{ sku, value: 9, observedAt: at('09:59:59') }]);
  expect(older).toMatchObject({ stale: 1 });
  const sameTime = await rig.push('erp', [{ sku, value: 4, observedAt: at('10:00:00') }]);
  expect(sameTime).toMatchObject({ applied: 1 });
  expect(await rig.quantity(sku)).toBe(4);
});

test('a movement that a newer figure has in it already is not counted again', async () => {
  const sku = newSku();
  await rig.push('erp', [{ sku, value: 50, observedAt: at('10:05:00') }]);
  const late = { sku, op: 'adjust', value: -5, observedAt: at('10:00:00') } as const;
  expect(await rig.push('erp', [late])).toMatchObject({ stale: 1 });
  expect(await rig.quantity(sku)).toBe(50);
});

test('a figure that comes late does not wipe out a newer movement of its own source', async () => {
  const sku = newSku();
  await rig.push('erp', [{ sku, value: 20, observedAt: at('09:00:00') }]);
  await rig.push('erp', [{ sku, op: 'adjust', value: -4, observedAt: at('10:05:00') }]);
  await rig.push('erp', [{ sku, value: 18, observedAt: at('10:00:00') }]);
  expect(await rig.quantity(sku)).toBe(14);
});

test('movements that come before what they take wait for it', async () => {
  const sku = newSku();
  const out = { id: `out-${sku}`, sku, op: 'adjust', value: -5 } as const;
  expect(await rig.push('erp', [out])).toMatchObject({ held: 1, applied: 0 });
  expect(await rig.push('erp', [out])).toMatchObject({ held: 1 });
  await rig.push('erp', [{ id: `in-${sku}`, sku, op: 'adjust', value: 12 }]);
  expect(await rig.quantity(sku)).toBe(7);
  expect(await rig.push('erp', [out])).toMatchObject({ unchanged: 1 });
  expect(await rig.quantity(sku)).toBe(7);
});

test('a quantity that somebody else owns, or nobody declared, is refused and counted', async () => {
  const sku = newSku();
  await rig.put({ sourceId: 'wms', owns: [{ quantity: 'allocated', stores: ['main'] }] });
  const run = await rig.push('wms', [
    { sku, quantity: 'allocated', value: 3 },
    { sku, quantity: 'onHand', value: 99 },
    { sku, quantity: 'pendingSales', value: 1 },
  ]);
  expect(run).toMatchObject({ applied: 1, refused: 2 });
  expect(await rig.quantity(sku, 'allocated')).toBe(3);
  expect(await rig.quantity(sku)).toBe(0);
});

test('what is said of an unknown store waits until the store is there', async () => {
  const sku = newSku();
  const report = { sku, storeId: 'later', value: 6 };
  expect(await rig.push('erp', [report])).toMatchObject({ held: 1 });
  await rig.pool.query(
    `insert into location (merchant_id, location_id) values ('default', 'later')`,
  );
  await rig.run('erp');
  const { rows } = await rig.pool.query('select on_hand from stock_level where sku = $1', [sku]);
  expect(rows).toEqual([{ on_hand: 6 }]);
  const held = await rig.pool.query('select from source_held_item');
  expect(held.rowCount).toBe(0);
});

test('orders recorded after a figure was true are taken off it again', async () => {
  const sku = newSku();
  await rig.push('erp', [{ sku, value: 100, observedAt: at('08:00:00') }]);
  const { rows } = await rig.pool.query<{ now: Date }>('select clock_timestamp() as now');
  const takenAt = rows[0]?.now ?? new Date();
  await rig.writer.submitOne(adjust(sku, -30));
  await rig.push('erp', [{ sku, value: 90, observedAt: takenAt }]);
  expect(await rig.quantity(sku)).toBe(60);
  // And what was sold before is known to it.
  await rig.push('erp', [{ sku, value: 61, observedAt: new Date() }]);
  expect(await rig.quantity(sku)).toBe(61);
});

test('a figure never brings a quantity below zero', async () => {
  const sku = newSku();
  await rig.push('erp', [{ sku, value: 5, observedAt: at('08:00:00') }]);
  await rig.writer.submitOne(adjust(sku, -4));
  await rig.push('erp', [{ sku, value: 2, observedAt: at('08:30:00') }]);
  expect(await rig.quantity(sku)).toBe(0);
  expect(await rig.push('erp', [{ sku, value: -3 }])).toMatchObject({ unchanged: 1 });
  await expectCleanAudit(rig.pool);
});

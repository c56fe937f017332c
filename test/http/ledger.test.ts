import { afterAll, beforeAll, expect, test } from 'vitest';
import { archivablePartitions, archiveMonth } from '../../src/stock/index.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { createDataDir } from '../support/data-dir.ts';

let app: TestApp;
let folder: Awaited<ReturnType<typeof createDataDir>>;
const dayMs = 86_400_000;

beforeAll(async () => {
  app = await startTestApp();
  folder = await createDataDir();
  await app.call('PUT', '/api/stores/back', {});
});

afterAll(async () => {
  await app.close();
  await folder.remove();
});

async function count(sku: string, onHand: number, store = 'main'): Promise<void> {
  const path = `/api/inventory/stores/${store}/inventory/${sku}`;
  const { status } = await app.call('PUT', path, { body: { onHand } });
  expect([200, 201]).toContain(status);
}

test('what is archived is said by the ledger, and refused for that time only', async () => {
  const { clock, db, pool } = app.core;
  clock.offsetMs = -100 * dayMs;
  await count('lamp', 5);
  await count('lamp', 7);
  clock.offsetMs = 0;
  await count('lamp', 9);
  await count('vase', 1);
  const listed = await app.call('GET', '/api/ledger');
  expect(listed.body).toMatchObject({ archivedBefore: null });
  expect(listed.list('items')).toHaveLength(4);

  await pool.query('delete from outbox_message');
  const [month] = await archivablePartitions(db, new Date(), 0);
  if (month === undefined) throw new Error('there is no old month');
  const options = { folder: folder.path, archivedBy: 'test', keep: false };
  expect(await archiveMonth(db, month, options)).toMatchObject({ ok: true });

  const left = await app.call('GET', '/api/ledger?sku=lamp');
  expect(left.body).toMatchObject({ archivedBefore: month.to.toISOString() });
  expect(left.list('items').map(({ balanceAfter }) => balanceAfter)).toEqual([9]);

  const asOf = (sku: string, daysAgo: number) => {
    const at = new Date(Date.now() - daysAgo * dayMs).toISOString();
    return app.call('GET', `/api/stock/${sku}/as-of?storeId=main&at=${at}`);
  };
  const refused = await asOf('lamp', 101);
  expect(refused).toMatchObject({ status: 410, body: { code: 'LEDGER.ARCHIVED' } });
  const from = refused.get('archivedUntil');
  expect(await app.call('GET', `/api/stock/lamp/as-of?storeId=main&at=${from}`)).toMatchObject({
    status: 200,
    body: { onHand: 7, version: 2 },
  });
  expect(await asOf('lamp', 99)).toMatchObject({ status: 200, body: { onHand: 7 } });
  expect(await asOf('lamp', -1)).toMatchObject({ status: 200, body: { onHand: 9, version: 3 } });
  // Nothing of it is archived: it was not there.
  expect(await asOf('vase', 101)).toMatchObject({ status: 404 });
  await expectCleanAudit(pool);
});

test('for every SKU the sum over its stores is the total, over HTTP as in the audit', async () => {
  const skus = ['one', 'two', 'three'];
  for (const [index, sku] of skus.entries()) {
    await count(sku, 10 + index);
    await count(sku, 20 + index, 'back');
    const at = `/api/inventory/stores/back/inventory/${sku}`;
    const adjust = { quantity: 'incoming', delta: 3, mode: 'fact' };
    await app.call('POST', `${at}/adjust`, { body: adjust });
    await app.call('POST', `${at}/reserve`, { body: { quantity: 2 } });
  }
  const { rows } = await app.core.pool.query<Record<string, number>>(
    `select sku, stores, on_hand, reserved, incoming, available from audit.sku
     where sku = any ($1) order by on_hand`,
    [skus],
  );
  expect(rows).toHaveLength(3);
  for (const row of rows) {
    const { body } = await app.call('GET', `/api/stock/${row['sku']}`);
    const total = body['total'] as Record<string, number>;
    const stores = body['stores'] as Record<string, number>[];
    expect(stores).toHaveLength(2);
    expect(total).toMatchObject({
      onHand: Number(row['on_hand']),
      reserved: Number(row['reserved']),
      incoming: Number(row['incoming']),
      available: Number(row['available']),
    });
    for (const [figure, units] of Object.entries(total)) {
      expect(stores.reduce((sum, store) => sum + (store[figure] ?? 0), 0)).toBe(units);
    }
  }
  await expectCleanAudit(app.core.pool);
});

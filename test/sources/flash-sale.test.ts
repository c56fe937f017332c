import { afterAll, beforeAll, expect, test } from 'vitest';
import { confirmOrder } from '../../src/reservations/index.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { startFeedServer, type FeedServer } from '../support/feed-server.ts';
import { adjust, count, merchantId, newSku } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// The nightly figures of the ERP meet orders that it has not heard of.

let rig: SourcesRig;
let feed: FeedServer;
beforeAll(async () => {
  rig = await openSourcesRig();
  feed = await startFeedServer();
});
afterAll(async () => {
  await rig.close();
  await feed.stop();
});

test('a snapshot of T loaded at T + 10 min during a flash sale loses no order', async () => {
  const skus = Array.from({ length: 60 }, newSku);
  await rig.writer.submit(skus.map((sku) => count(sku, 500)));
  await rig.writer.submit(skus.map((sku) => adjust(sku, -20)));
  // What is recorded may be stamped a moment ahead of the database's clock.
  const takenAt = await waitFor(
    async () => {
      const { rows } = await rig.pool.query<{ now: Date }>(
        `select date_trunc('milliseconds', clock_timestamp()) as now
         where date_trunc('milliseconds', clock_timestamp()) >
           (select max(recorded_at) from ledger_entry)`,
      );
      return rows[0]?.now;
    },
    { what: 'the clock to be past the last change' },
  );
  // The ERP has counted: 3 more than we believed.
  const observedAt = takenAt.toISOString();
  feed.state.figures = skus.map((sku, index) => ({
    id: `nightly-${index}`,
    sku,
    storeId: 'main',
    quantity: 'onHand',
    op: 'set',
    value: 483,
    observedAt,
  }));
  const sold = new Map(skus.map((sku) => [sku, 0]));
  let orders = 0;
  const order = async (): Promise<void> => {
    orders += 1;
    const sku = skus[(orders * 7) % skus.length] ?? '';
    const quantity = 1 + (orders % 3);
    const outcome = await rig.writer.submitOne(
      confirmOrder(
        {
          merchantId,
          orderId: `order-${orders}`,
          lines: [{ sku, storeId: 'main', quantity }],
          sourceChannel: 'webshop',
          actor: 'key_test',
          occurredAt: null,
        },
        'if-available',
      ),
    );
    expect(outcome.kind).toBe('applied');
    sold.set(sku, (sold.get(sku) ?? 0) + quantity);
  };
  for (let i = 0; i < 200; i += 1) await order();
  rig.context.clock.offsetMs = 600_000;
  const loading = new AbortController();
  const buyers = Array.from({ length: 8 }, async () => {
    while (!loading.signal.aborted) await order();
  });
  await rig.put({
    sourceId: 'erp',
    kind: 'http',
    mode: 'full',
    config: { url: `${feed.url}/stock` },
    batchSize: 7,
  });
  const before = orders;
  const run = await rig.run('erp');
  const during = orders - before;
  loading.abort();
  await Promise.all(buyers);
  expect(run).toMatchObject({ status: 'succeeded', applied: 60, quarantined: 0 });
  expect(during).toBeGreaterThan(0);
  for (const sku of skus) {
    expect([sku, await rig.quantity(sku)]).toEqual([sku, 483 - (sold.get(sku) ?? 0)]);
  }
  await expectCleanAudit(rig.pool);
});

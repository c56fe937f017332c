import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EmulatedAnswer } from '../../emulators/emulator.ts';
import { FaultPlan } from '../../emulators/fault-plan.ts';
import { startFeedServer, type FeedItem, type FeedServer } from '../support/feed-server.ts';
import { newSku } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// The HTTP delta feed, read as its contract says.

let rig: SourcesRig;
let feed: FeedServer;
beforeAll(async () => {
  rig = await openSourcesRig();
});
afterAll(() => rig.close());
beforeEach(async () => {
  feed = await startFeedServer();
});
afterEach(async () => {
  await rig.pool.query('delete from source');
  await feed.stop();
});

let version = 0;
function figure(sku: string, value: number, more: Partial<FeedItem> = {}): FeedItem {
  version += 1;
  return {
    id: `evt-${version}`,
    version: String(version),
    sku,
    storeId: 'main',
    quantity: 'onHand',
    op: 'set',
    value,
    observedAt: new Date().toISOString(),
    ...more,
  };
}

/** A page of a full read without items. */
function emptyPage(more: object): EmulatedAnswer {
  return { status: 200, body: { items: [], snapshot: true, ...more } };
}

const skus = (count: number): string[] => Array.from({ length: count }, newSku);
const putFeed = (more: Record<string, unknown> = {}) =>
  rig.put({ sourceId: 'erp', kind: 'http', config: { url: `${feed.url}/changes` }, ...more });
const watermark = async (): Promise<string> => {
  const { rows } = await rig.pool.query<{ watermark: string }>('select watermark from source');
  return rows[0]?.watermark ?? '';
};

test('is read page by page to its end, and then from there', async () => {
  const all = skus(25);
  feed.state.changes = all.map((sku, index) => figure(sku, index + 1));
  await putFeed({ batchSize: 10, credentials: { bearer: 'secret-of-ours' } });
  expect(await rig.run('erp')).toMatchObject({ pages: 3, read: 25, applied: 25 });
  expect(feed.journal.map(({ request }) => request.query.get('cursor'))).toEqual([
    null,
    'c10',
    'c20',
  ]);
  expect(feed.journal[0]?.request).toMatchObject({
    headers: { authorization: 'Bearer secret-of-ours' },
  });
  expect(feed.journal[0]?.request.query.get('limit')).toBe('10');
  feed.state.changes.push(figure(all[3] ?? '', 99));
  expect(await rig.run('erp')).toMatchObject({ pages: 1, read: 1, applied: 1 });
  expect(await rig.quantity(all[3] ?? '')).toBe(99);
  expect(await rig.run('erp')).toMatchObject({ read: 0, status: 'succeeded' });
});

test('304 is nothing new', async () => {
  feed.state.changes = [figure(newSku(), 1)];
  await putFeed();
  await rig.run('erp');
  await rig.run('erp');
  const before = await watermark();
  feed.faults = new FaultPlan([{ share: 1, fault: { kind: 'status', status: 304 } }]);
  expect(await rig.run('erp')).toMatchObject({ status: 'succeeded', read: 0 });
  expect(await watermark()).toBe(before);
});

describe('a failed read is never zero', () => {
  test.each([
    ['an error', { kind: 'status', status: 500 }, 'http_500'],
    ['a page for people', { kind: 'status', status: 200, body: '<html>' }, 'invalid_response'],
    ['another document', { kind: 'status', status: 200, body: { ok: 1 } }, 'invalid_response'],
    ['half an answer', { kind: 'truncated' }, 'connection_reset'],
    ['a lost connection', { kind: 'reset_before' }, 'connection_reset'],
  ] as const)('%s', async (_name, fault, code) => {
    const sku = newSku();
    feed.state.changes = [figure(sku, 7)];
    await putFeed();
    await rig.run('erp');
    const before = await watermark();
    feed.state.changes.push(figure(sku, 8));
    feed.faults = new FaultPlan([{ share: 1, fault }]);
    expect(await rig.run('erp')).toMatchObject({ status: 'failed', code, read: 0 });
    expect([await rig.quantity(sku), await watermark()]).toEqual([7, before]);
    feed.faults = new FaultPlan();
    await rig.run('erp');
    expect(await rig.quantity(sku)).toBe(8);
  });
});

test('429 with a long Retry-After ends the run, and nobody asks again before that', async () => {
  await putFeed();
  const headers = { 'retry-after': '1800' };
  feed.faults = new FaultPlan([{ share: 1, fault: { kind: 'status', status: 429, headers } }]);
  expect(await rig.run('erp')).toMatchObject({ status: 'blocked', code: 'http_429' });
  expect(feed.journal).toHaveLength(1);
  const { rows } = await rig.pool.query<{ seconds: number }>(
    'select extract(epoch from next_run_at - now())::integer as seconds from source',
  );
  expect(rows[0]?.seconds).toBeGreaterThan(1_790);
});

describe('a cursor that is too old', () => {
  test('has everything read, and what is gone becomes zero at the end', async () => {
    const [a = '', b = '', c = '', d = '', e = ''] = skus(5);
    feed.state.changes = [a, b, c, d, e].map((sku) => figure(sku, 10));
    await putFeed({ batchSize: 2 });
    await rig.run('erp');
    feed.state.oldest = 1_000;
    feed.state.figures = [figure(a, 11), figure(b, 10), figure(c, 10), figure(d, 10)];
    feed.state.changes = Array.from({ length: 1_000 }, () => figure(a, 11));
    expect(await rig.run('erp')).toMatchObject({ status: 'succeeded', pages: 2 });
    expect(await Promise.all([a, b, e].map((sku) => rig.quantity(sku)))).toEqual([11, 10, 0]);
    // From then on it goes on with changes.
    feed.state.changes.push(figure(e, 3));
    expect(await rig.run('erp')).toMatchObject({ pages: 1, applied: 1 });
  });

  test('a full read that does not come to its end zeroes nothing and goes on', async () => {
    const all = skus(6);
    feed.state.changes = all.map((sku) => figure(sku, 10));
    await putFeed({ batchSize: 2 });
    await rig.run('erp');
    feed.state.oldest = 1_000;
    feed.state.figures = all.slice(0, 5).map((sku) => figure(sku, 12));
    feed.faults = new FaultPlan([{ route: /^GET/, share: 0, fault: { kind: 'reset_before' } }]);
    let answered = 0;
    feed.faults.next = (): ReturnType<FaultPlan['next']> => {
      answered += 1;
      // The 410, then one page of three.
      return answered > 2 ? { kind: 'reset_before' } : undefined;
    };
    expect(await rig.run('erp')).toMatchObject({ status: 'failed', pages: 1 });
    expect(await rig.quantity(all[5] ?? '')).toBe(10);
    feed.faults = new FaultPlan();
    expect(await rig.run('erp')).toMatchObject({ status: 'succeeded', pages: 2 });
    expect(await rig.quantity(all[5] ?? '')).toBe(0);
    expect(await rig.quantity(all[4] ?? '')).toBe(12);
  });

  describe('a full read that breaks off behind its first page', () => {
    let all: string[] = [];
    const cases: [string, EmulatedAnswer, string][] = [
      ['304', { status: 304 }, 'invalid_response'],
      ['nothing, and no cursor', emptyPage({ hasMore: false }), 'invalid_response'],
      ['nothing, and no end', emptyPage({ nextCursor: 'c20' }), 'invalid_response'],
      ['410', { status: 410 }, 'snapshot_expired'],
    ];

    beforeEach(async () => {
      all = skus(20);
      feed.state.changes = all.map((sku) => figure(sku, 10));
      await putFeed({ batchSize: 15, guards: { massZeroPercent: 100 } });
      await rig.run('erp');
      feed.state.oldest = 1_000;
      feed.state.figures = all.map((sku) => figure(sku, 12));
    });

    test.each(cases)('with %s is a failure, and no zero', async (_name, answer, code) => {
      const before = await watermark();
      const { journal } = feed;
      journal.length = 0;
      feed.habits.instead = (query) =>
        query.get('cursor')?.startsWith('s') === true ? answer : undefined;
      expect(await rig.run('erp')).toMatchObject({ status: 'failed', code });
      expect(journal.length).toBeLessThan(10);
      expect(await rig.quantity(all[19] ?? '')).toBe(10);
      expect(await watermark()).toBe(before);
      feed.habits.instead = () => undefined;
      expect(await rig.run('erp')).toMatchObject({ status: 'succeeded' });
      expect(await rig.quantity(all[19] ?? '')).toBe(12);
    });

    test('with an empty last page that names its cursor has ended properly', async () => {
      const items = feed.state.figures.slice(0, 15);
      feed.habits.instead = (query) => {
        if (query.get('snapshot') !== 'true') return undefined;
        if (query.get('cursor') !== null) return emptyPage({ nextCursor: 'c20', hasMore: false });
        return emptyPage({ items, nextCursor: 's15', hasMore: true });
      };
      expect(await rig.run('erp')).toMatchObject({ status: 'succeeded', pages: 2 });
      expect(await rig.quantity(all[19] ?? '')).toBe(0);
      expect(JSON.parse(await watermark())).toEqual({ cursor: 'c20' });
    });
  });

  test('an empty full read is a failure with an alert, and no zero', async () => {
    const sku = newSku();
    feed.state.changes = [figure(sku, 5)];
    await putFeed();
    await rig.run('erp');
    feed.state.oldest = 1_000;
    const alerts = rig.alerts.length;
    expect(await rig.run('erp')).toMatchObject({ status: 'failed', code: 'empty_snapshot' });
    expect(await rig.quantity(sku)).toBe(5);
    expect(rig.alerts.slice(alerts)).toMatchObject([{ kind: 'empty_snapshot' }]);
  });
});

test('the watermark is never ahead of its page: nobody sees it before the changes', async () => {
  const sku = newSku();
  feed.state.changes = [figure(sku, 10)];
  await putFeed();
  await rig.run('erp');
  const before = await watermark();
  feed.state.changes.push(figure(sku, 4));
  const other = await rig.pool.connect();
  await other.query('begin');
  await other.query('select from stock_level where sku = $1 for update', [sku]);
  const waiting = rig.run('erp');
  try {
    await waitFor(
      async () => {
        const { rowCount } = await rig.pool.query(
          `select from pg_stat_activity where wait_event_type = 'Lock'
             and datname = current_database() and query like '%stock_%'`,
        );
        return (rowCount ?? 0) > 0;
      },
      { what: 'the page to wait for its level' },
    );
    expect(await watermark()).toBe(before);
  } finally {
    await other.query('rollback');
    other.release();
  }
  expect(await waiting).toMatchObject({ applied: 1 });
  expect(await rig.quantity(sku)).toBe(4);
  expect(await watermark()).not.toBe(before);
});

test('items that cannot be read are kept with what is wrong, and hold up nothing', async () => {
  const sku = newSku();
  feed.state.changes = [figure(sku, 3), { ...figure(sku, 1), value: 1.5 }];
  await putFeed();
  expect(await rig.run('erp')).toMatchObject({ read: 2, applied: 1, held: 1 });
  const { rows } = await rig.pool.query('select code, item from source_held_item');
  expect(rows).toMatchObject([{ code: 'SOURCE.ITEM_INVALID' }]);
});

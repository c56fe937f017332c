import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FaultPlan } from '../../emulators/fault-plan.ts';
import { approveQuarantine, refuseQuarantine } from '../../src/sources/index.ts';
import { startFeedServer, type FeedServer } from '../support/feed-server.ts';
import { adjust, merchantId, newSku } from '../support/stock.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// What looks wrong waits for somebody.

let rig: SourcesRig;
let feed: FeedServer;
let skus: string[] = [];
let version = 0;
beforeAll(async () => {
  rig = await openSourcesRig();
});
afterAll(() => rig.close());
beforeEach(async () => {
  feed = await startFeedServer();
  skus = Array.from({ length: 40 }, newSku);
  say(40, 10);
  const config = { url: `${feed.url}/changes` };
  await rig.put({ sourceId: 'erp', kind: 'http', config, batchSize: 10 });
  await rig.run('erp');
});
afterEach(async () => {
  await rig.pool.query('delete from source');
  await feed.stop();
});

/** The feed says so of the first SKUs. */
function say(count: number, value: number): void {
  for (const sku of skus.slice(0, count)) {
    version += 1;
    feed.state.changes.push({
      id: `evt-${version}`,
      version: String(version),
      sku,
      storeId: 'main',
      quantity: 'onHand',
      op: 'set',
      value,
      observedAt: new Date().toISOString(),
    });
  }
}

const figures = (): Promise<(number | undefined)[]> =>
  Promise.all(skus.map((sku) => rig.quantity(sku)));
const zeros = async (): Promise<number> =>
  (await figures()).filter((figure) => figure === 0).length;
const pending = async (): Promise<{ quarantine_id: string; sku: string }[]> => {
  const { rows } = await rig.pool.query<{ quarantine_id: string; sku: string }>(
    `select quarantine_id, sku from source_quarantine where status = 'pending' order by sku`,
  );
  return rows;
};
const actor = 'key_test';

test('a feed that says zero for everything changes nothing and raises one alert', async () => {
  const alerts = rig.alerts.length;
  const { rows: before } = await rig.pool.query('select * from stock_level order by sku');
  say(40, 0);
  const run = await rig.run('erp');
  expect(run).toMatchObject({ pages: 4, read: 40, applied: 0, quarantined: 40 });
  const { rows: after } = await rig.pool.query('select * from stock_level order by sku');
  expect(after).toEqual(before);
  expect(rig.alerts.slice(alerts)).toEqual([
    { kind: 'quarantine', merchantId, sourceId: 'erp', runId: run.runId, quarantined: 40 },
  ]);
  // Said again it waits already, and nobody is called a second time.
  say(40, 0);
  await rig.run('erp');
  expect(await figures()).toEqual(skus.map(() => 10));
  expect(await pending()).toHaveLength(40);
  expect(rig.alerts.length).toBe(alerts + 1);
});

/** Each run reads one page; then the feed asks to be left alone. */
async function runInSlices(): Promise<void> {
  const headers = { 'retry-after': '30' };
  for (let run = 0; run < 4; run += 1) {
    let asked = 0;
    feed.faults.next = (): ReturnType<FaultPlan['next']> => {
      asked += 1;
      return asked > 1 ? { kind: 'status', status: 503, headers } : undefined;
    };
    expect(await rig.run('erp')).toMatchObject({ status: 'blocked', pages: 1 });
    await rig.pool.query('update source set blocked_until = null');
  }
  feed.faults = new FaultPlan();
}

describe('a read that stops on its way', () => {
  beforeEach(async () => {
    const config = { url: `${feed.url}/changes` };
    await rig.put({ sourceId: 'erp', kind: 'http', config, batchSize: 8 });
  });

  test('has its zeros judged together by the run that comes to the end', async () => {
    const alerts = rig.alerts.length;
    say(40, 0);
    await runInSlices();
    expect(await figures()).toEqual(skus.map(() => 10));
    expect(await rig.run('erp')).toMatchObject({ status: 'succeeded', quarantined: 40 });
    expect(await figures()).toEqual(skus.map(() => 10));
    expect(rig.alerts).toHaveLength(alerts + 1);
  });

  test('loses none of what falls in the ordinary way', async () => {
    say(15, 0);
    skus.reverse();
    say(25, 11);
    await runInSlices();
    expect(await zeros()).toBe(0);
    expect(await rig.run('erp')).toMatchObject({ status: 'succeeded', quarantined: 0 });
    expect(await zeros()).toBe(15);
    expect(await pending()).toEqual([]);
  });
});

test('zeros pushed one by one stop at the share that may fall', async () => {
  for (const sku of skus) await rig.push('erp', [{ sku, value: 0, version: '1000000' }]);
  expect(await zeros()).toBe(20);
  expect(await pending()).toHaveLength(20);
  // Long ago is another matter.
  await rig.pool.query(`update source_fall set fell_at = fell_at - interval '10 minutes'`);
  const more = newSku();
  await rig.push('erp', [{ sku: more, value: 5 }]);
  await rig.push('erp', [{ sku: more, value: 0 }]);
  expect(await rig.quantity(more)).toBe(0);
});

test('two SKUs that are all a source has do not fall together, a single one may', async () => {
  const [a, b, single] = [newSku(), newSku(), newSku()];
  await rig.put({ sourceId: 'small', owns: [{ quantity: 'incoming' }] });
  await rig.put({ sourceId: 'smallest', owns: [{ quantity: 'unavailable' }] });
  const pushAll = (
    sourceId: string,
    all: string[],
    quantity: 'incoming' | 'unavailable',
    n: number,
  ) =>
    rig.push(
      sourceId,
      all.map((sku) => ({ sku, quantity, value: n })),
    );
  await pushAll('small', [a, b], 'incoming', 7);
  await pushAll('smallest', [single], 'unavailable', 7);
  expect(await pushAll('small', [a, b], 'incoming', 0)).toMatchObject({
    applied: 0,
    quarantined: 2,
  });
  expect(await rig.quantity(a, 'incoming')).toBe(7);
  expect(await pushAll('smallest', [single], 'unavailable', 0)).toMatchObject({ applied: 1 });
  expect(await rig.quantity(single, 'unavailable')).toBe(0);
});

test('what sells out in the ordinary way is applied at the end of the run', async () => {
  say(15, 0);
  expect(await rig.run('erp')).toMatchObject({ applied: 15, quarantined: 0 });
  expect(await zeros()).toBe(15);
  expect(await pending()).toEqual([]);
});

test('a full read that lacks almost everything is quarantined like zeros', async () => {
  feed.state.oldest = 1_000;
  const [first = ''] = skus;
  say(1, 11);
  feed.state.figures = feed.state.changes.splice(-1).map((item) => ({ ...item, sku: first }));
  const alerts = rig.alerts.length;
  expect(await rig.run('erp')).toMatchObject({ status: 'succeeded', quarantined: 39 });
  expect(await figures()).toEqual(skus.map((sku) => (sku === first ? 11 : 10)));
  expect(rig.alerts).toHaveLength(alerts + 1);
});

test('what is approved is applied with what came since, all of a run at once, too', async () => {
  say(40, 0);
  const { runId } = await rig.run('erp');
  const [one] = await pending();
  const id = one?.quarantine_id ?? '';
  expect(await approveQuarantine(rig.context, { merchantId, id, actor })).toMatchObject({
    value: { approved: 1 },
  });
  expect(await rig.quantity(one?.sku ?? '')).toBe(0);
  expect(await zeros()).toBe(1);
  await rig.writer.submitOne(adjust(skus.at(-1) ?? '', 4));
  await approveQuarantine(rig.context, { merchantId, id: runId, actor });
  expect(await figures()).toEqual(skus.map((sku) => (sku === skus.at(-1) ? 4 : 0)));
  const again = await approveQuarantine(rig.context, { merchantId, id, actor });
  expect(again).toMatchObject({ refusal: { code: 'QUARANTINE.DECIDED' } });
});

test('what is refused stays refused when the same report comes again', async () => {
  say(40, 0);
  const { runId } = await rig.run('erp');
  await refuseQuarantine(rig.context, { merchantId, id: runId, actor });
  feed.state.changes.push(...feed.state.changes.slice(-40));
  expect(await rig.run('erp')).toMatchObject({ read: 40, unchanged: 40, quarantined: 0 });
  expect(await figures()).toEqual(skus.map(() => 10));
  // A newer one is another matter.
  say(3, 12);
  expect(await rig.run('erp')).toMatchObject({ applied: 3 });
});

test('a newer report within bounds takes the place of one that waits', async () => {
  say(40, 0);
  await rig.run('erp');
  say(5, 9);
  expect(await rig.run('erp')).toMatchObject({ applied: 5 });
  expect(await pending()).toHaveLength(35);
});

test('a change beyond max_delta_percent waits, others pass', async () => {
  await rig.put({
    sourceId: 'erp',
    kind: 'http',
    config: { url: `${feed.url}/changes` },
    guards: { maxDeltaPercent: 50 },
  });
  say(1, 16);
  skus.reverse();
  say(1, 15);
  expect(await rig.run('erp')).toMatchObject({ applied: 1, quarantined: 1 });
  expect((await figures()).filter((figure) => figure !== 10)).toEqual([15]);
});

test('a SKU that is not known is held where the source may not make levels', async () => {
  await rig.put({
    sourceId: 'erp',
    kind: 'http',
    config: { url: `${feed.url}/changes` },
    guards: { unknownSkus: 'hold' },
  });
  skus = [newSku()];
  say(1, 5);
  expect(await rig.run('erp')).toMatchObject({ held: 1, applied: 0 });
  expect(await figures()).toEqual([undefined]);
  await rig.writer.submitOne(adjust(skus[0] ?? '', 1));
  await rig.run('erp');
  // Our own entry is younger than the figure, and stays on top of it.
  expect(await figures()).toEqual([6]);
});

const itemsElsewhere = (value: number) =>
  skus.slice(0, 10).map((sku) => ({ sku, storeId: 'elsewhere', value }));

describe('figures of places that a source does not own any more', () => {
  const elsewhere = [{ quantity: 'onHand', stores: ['elsewhere'] }] as const;
  beforeEach(async () => {
    await rig.pool.query(
      `insert into location (merchant_id, location_id, kind) values ($1, 'elsewhere', 'store')
       on conflict do nothing`,
      [merchantId],
    );
  });

  test('do not make a fall of all the rest look small', async () => {
    await rig.put({ sourceId: 'erp', kind: 'http', config: { url: feed.url }, owns: [] });
    await rig.put({ sourceId: 'till' });
    await rig.push(
      'till',
      skus.map((sku) => ({ sku: `was ${sku}`, value: 5 })),
    );
    await rig.push('till', itemsElsewhere(5));
    await rig.put({ sourceId: 'till', owns: [...elsewhere] });
    expect(await rig.push('till', itemsElsewhere(0))).toMatchObject({
      applied: 0,
      quarantined: 10,
    });
  });

  test('are not missed by a full read', async () => {
    feed.state.oldest = 1_000;
    const config = { url: `${feed.url}/changes` };
    await rig.put({ sourceId: 'erp', kind: 'http', config, owns: [...elsewhere] });
    const shown = { id: 'shown', sku: skus[0] ?? '', storeId: 'elsewhere', value: 7 };
    const told = { quantity: 'onHand', op: 'set', observedAt: new Date().toISOString() } as const;
    feed.state.figures = [{ ...shown, ...told }];
    expect(await rig.run('erp')).toMatchObject({ applied: 1, refused: 0, quarantined: 0 });
    expect(await pending()).toEqual([]);
  });
});

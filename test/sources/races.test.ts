import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FaultPlan } from '../../emulators/fault-plan.ts';
import { newId } from '../../src/ids.ts';
import {
  approveQuarantine,
  putSource,
  refuseQuarantine,
  runSource,
} from '../../src/sources/index.ts';
import { claimOwnership } from '../../src/sources/ownership.ts';
import { startFeedServer, type FeedServer } from '../support/feed-server.ts';
import { merchantId, newSku } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// Two at once.

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

test('while a source is being read, another run of it is refused', async () => {
  await rig.put({ sourceId: 'slow', kind: 'http', config: { url: `${feed.url}/changes` } });
  feed.faults = new FaultPlan([{ share: 1, fault: { kind: 'latency', ms: 1_000 } }]);
  const { signal } = new AbortController();
  const run = () =>
    runSource(rig.context, {
      merchantId,
      sourceId: 'slow',
      runId: newId('run'),
      trigger: 'request',
      signal,
    });
  const answers = await Promise.all([run(), run()]);
  const codes = answers.map((answer) => (answer.ok ? answer.value.status : answer.refusal.code));
  expect(codes.toSorted()).toEqual(['SOURCE.RUN_IN_PROGRESS', 'succeeded']);
  expect(await run()).toMatchObject({ ok: true });
});

test('of claims on every store and on one of them that come at once, one holds', async () => {
  await rig.put({ sourceId: 'every', owns: [] });
  const single = {
    merchantId,
    sourceId: 'single',
    kind: 'push',
    config: {},
    owns: [{ quantity: 'incoming', stores: ['main'] }],
  } as const;
  const late = await rig.context.db.transaction().execute(async (tx) => {
    await claimOwnership(tx, merchantId, 'every', [{ quantity: 'incoming' }]);
    const waiting = putSource(rig.context, single);
    await waitFor(
      async () => {
        const { rowCount } = await rig.pool.query(
          `select from pg_stat_activity
           where wait_event_type = 'Lock' and datname = current_database()`,
        );
        return (rowCount ?? 0) > 0;
      },
      { what: 'the second claim to wait for the first' },
    );
    return { waiting };
  });
  expect(await late.waiting).toMatchObject({
    ok: false,
    refusal: { code: 'SOURCE.OWNED_BY_OTHER', data: { sourceId: 'every' } },
  });
});

const areWaiting = (count: number): Promise<unknown> =>
  waitFor(
    async () => {
      const { rows } = await rig.pool.query<{ waiting: number }>(
        `select count(*)::integer as waiting from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows[0]?.waiting === count;
    },
    { what: `${count} to wait for the source` },
  );

/** Puts 10, then 100 into quarantine, and approves that while `first` is before it in the row. */
async function approveAfter(
  sku: string,
  first: (id: string) => Promise<unknown>,
  waiters: number,
): ReturnType<typeof approveQuarantine> {
  const sourceId = `of ${sku}`;
  await rig.pool.query('delete from source');
  await rig.put({ sourceId, guards: { maxDeltaPercent: 50 } });
  await rig.push(sourceId, [{ sku, value: 10, version: '1' }]);
  await rig.push(sourceId, [{ sku, value: 100, version: '2' }]);
  const { rows } = await rig.pool.query<{ id: string }>(
    `select quarantine_id as id from source_quarantine where status = 'pending'`,
  );
  const id = rows[0]?.id ?? '';
  const lock = await rig.pool.connect();
  try {
    await lock.query('begin');
    await lock.query('select from source where source_id = $1 for no key update', [sourceId]);
    const others = waiters > 0 ? first(id) : undefined;
    await areWaiting(waiters);
    const approved = approveQuarantine(rig.context, { merchantId, id, actor: 'key_a' });
    await areWaiting(waiters + 1);
    if (waiters === 0) await first(id);
    await lock.query('commit');
    await others;
    return await approved;
  } finally {
    lock.release();
  }
}

describe('a report in quarantine', () => {
  test('is approved as it is by then, and not as it was', async () => {
    const sku = newSku();
    const newer = () => rig.push(`of ${sku}`, [{ sku, value: 60, version: '3' }]);
    expect(await approveAfter(sku, newer, 1)).toMatchObject({ value: { approved: 1 } });
    expect(await rig.quantity(sku)).toBe(60);
    expect(await newer()).toMatchObject({ unchanged: 1 });
  });

  test('that was refused meanwhile is not applied', async () => {
    const sku = newSku();
    const refuse = (id: string) =>
      refuseQuarantine(rig.context, { merchantId, id, actor: 'key_b' });
    expect(await approveAfter(sku, refuse, 0)).toMatchObject({
      ok: false,
      refusal: { code: 'QUARANTINE.DECIDED', data: { decision: 'refused' } },
    });
    expect(await rig.quantity(sku)).toBe(10);
  });
});

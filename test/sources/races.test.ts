import { afterAll, beforeAll, expect, test } from 'vitest';
import { FaultPlan } from '../../emulators/fault-plan.ts';
import { newId } from '../../src/ids.ts';
import { putSource, runSource } from '../../src/sources/index.ts';
import { claimOwnership } from '../../src/sources/ownership.ts';
import { startFeedServer, type FeedServer } from '../support/feed-server.ts';
import { merchantId } from '../support/stock.ts';
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

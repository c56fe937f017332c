import { setTimeout } from 'node:timers/promises';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { FaultPlan } from '../../emulators/fault-plan.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startFeedServer, type FeedItem, type FeedServer } from '../support/feed-server.ts';
import { createPool } from '../support/patient-pool.ts';
import { startService, type Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

// A feed with every bad habit that the contract allows, read by a process that is killed.

let database: TestDatabase;
let inspector: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  inspector = createPool({ connectionString: database.connectionString });
});
afterAll(async () => {
  await inspector.end();
  await database.drop();
});

const counted = Array.from({ length: 20 }, (_, i) => `counted-${i}`);
const moved = Array.from({ length: 10 }, (_, i) => `moved-${i}`);
const kills = 3;

/** What the feed comes to: the newest figure of each counted SKU, the sum of each moved one. */
type Truth = Map<string, number>;

/** Adds some changes to the feed and to what is true. Seeded by how many there are. */
function grow(feed: FeedServer, truth: Truth, changes: number): void {
  for (let i = 0; i < changes; i += 1) {
    const number = feed.state.changes.length + 1;
    const common = { id: `evt-${number}`, storeId: 'main', quantity: 'onHand' };
    const observedAt = new Date(1_790_000_000_000 + number * 1000).toISOString();
    const draw = (number * 2_654_435_761) % 4_294_967_296;
    let item: FeedItem;
    if (number % 3 === 0) {
      const sku = moved[draw % moved.length] ?? '';
      const value = Math.floor(draw / 256) % 3 === 0 ? -2 : 5;
      item = { ...common, sku, op: 'adjust', value, observedAt };
      truth.set(sku, (truth.get(sku) ?? 0) + value);
    } else {
      const sku = counted[draw % counted.length] ?? '';
      const op = number % 11 === 0 ? 'delete' : 'set';
      const value = op === 'delete' ? 0 : draw % 90;
      item = { ...common, version: String(number), sku, op, value, observedAt };
      truth.set(sku, value);
      feed.state.figures = [...feed.state.figures.filter((one) => one.sku !== sku), item];
    }
    feed.state.changes.push(item);
    if (item.op === 'adjust') feed.state.figures.push(item);
  }
}

/** Repeats some of a page's items and of those before, and mixes them all up. */
function misbehave(feed: FeedServer): void {
  let turn = 0;
  feed.habits.shape = (items) => {
    turn += 1;
    const older = feed.state.changes.slice(Math.max(0, turn * 3 - 10), turn * 3);
    const all = [...items, ...items.filter((_, index) => index % 3 === turn % 3), ...older];
    return all.toSorted((a, b) => hash(a.id, turn) - hash(b.id, turn));
  };
  feed.faults = new FaultPlan(
    [
      { share: 0.08, fault: { kind: 'reset_after' } },
      { share: 0.05, fault: { kind: 'truncated' } },
      { share: 0.05, fault: { kind: 'status', status: 500 } },
      { share: 0.05, fault: { kind: 'status', status: 429, headers: { 'retry-after': '0' } } },
      { share: 0.03, fault: { kind: 'status', status: 410 } },
    ],
    17,
  );
}

function hash(text: string, seed: number): number {
  return Array.from(text).reduce(
    (sum, character) => (sum * 31 + character.charCodeAt(0)) % 9_973,
    seed,
  );
}

type Seen = {
  watermark: string | null;
  is_snapshot: boolean;
  versions: Record<string, number> | null;
  movements: string[] | null;
};

/** One look at how far the feed was read and at what is kept of it, in one snapshot. */
async function look(): Promise<Seen | undefined> {
  const { rows } = await inspector.query<Seen>(
    `select s.watermark, s.snapshot is not null as is_snapshot,
       (select jsonb_object_agg(sku, version) from (
          select sku, max(version::integer) as version from (
            select sku, version from source_figure
            union all
            select sku, version from source_quarantine where status = 'parked'
            union all
            select item->>'sku', item->>'version' from source_held_item
            where item->>'op' <> 'adjust') f
          where version is not null group by sku) v) as versions,
       (select jsonb_agg(id) from (
          select item_id as id from source_movement
          union all
          select item->>'id' from source_held_item where item->>'op' = 'adjust') m) as movements
     from source s`,
  );
  return rows[0];
}

/** Items that lie behind the watermark and that nobody has. */
function lostIn(seen: Seen, feed: FeedServer): string[] {
  const cursor =
    seen.watermark === null ? null : (JSON.parse(seen.watermark) as { cursor: string });
  const until = Number(/^c(\d+)$/.exec(cursor?.cursor ?? 'c0')?.[1] ?? 0);
  const movements = new Set(seen.movements);
  return feed.state.changes
    .slice(0, until)
    .filter((item) =>
      item.op === 'adjust'
        ? !movements.has(item.id)
        : (seen.versions?.[item.sku] ?? 0) < Number(item.version),
    )
    .map(({ id }) => id);
}

async function watermarkPlace(): Promise<number> {
  const seen = await look();
  return Number(/c(\d+)/.exec(seen?.watermark ?? '')?.[1] ?? 0);
}

test('whatever the feed and kill -9 do, in the end each item was applied once', async () => {
  const feed = await startFeedServer();
  onTestFinished(() => feed.stop());
  const truth: Truth = new Map();
  grow(feed, truth, 60);
  misbehave(feed);
  const env = { DATABASE_URL: database.connectionString, ENCRYPTION_KEY: '11'.repeat(32) };
  let service: Service = await startService(env);
  onTestFinished(async () => void (await service.stop()));
  await service.call('PUT', '/api/stores/main', {});
  const answer = await service.call('PUT', '/api/sources/erp', {
    kind: 'http',
    config: { url: `${feed.url}/changes` },
    owns: [{ quantity: 'onHand' }],
    intervalMinutes: 0.01,
    batchSize: 9,
    guards: { massZeroPercent: 99 },
  });
  expect(answer.status).toBe(201);

  const watching = new AbortController();
  const lost: string[] = [];
  let looks = 0;
  const watch = (async () => {
    while (!watching.signal.aborted) {
      const seen = await look();
      if (seen !== undefined) lost.push(...lostIn(seen, feed));
      looks += 1;
      await setTimeout(3);
    }
  })();
  onTestFinished(() => watching.abort());

  for (let kill = 1; kill <= kills; kill += 1) {
    grow(feed, truth, 120);
    const from = await watermarkPlace();
    await waitFor(async () => (await watermarkPlace()) > from + 9 * kill, {
      what: 'the feed to be read some way',
    });
    await service.kill();
    await feed.stop();
    // What the cursor of the next read was for is not kept any more.
    if (kill === 2) feed.state.oldest = feed.state.changes.length;
    await feed.restart();
    service = await startService(env);
  }

  // It calms down.
  grow(feed, truth, 30);
  feed.faults = new FaultPlan();
  await waitFor(async () => (await watermarkPlace()) === feed.state.changes.length, {
    what: 'the feed to be read to its end',
  });
  const levels = async (): Promise<Truth> => {
    const { rows } = await inspector.query<{ sku: string; on_hand: number }>(
      'select sku, on_hand from stock_level',
    );
    return new Map(rows.map((row) => [row.sku, row.on_hand]));
  };
  await waitFor(
    async () => {
      const found = await levels();
      return [...truth].every(([sku, value]) => found.get(sku) === value);
    },
    { what: 'every quantity to equal the feed’s' },
  );
  watching.abort();
  await watch;
  expect(looks).toBeGreaterThan(20);
  expect(lost).toEqual([]);
  const twice = await inspector.query(
    `select reference, sku, count(*) from ledger_entry where actor = 'source:erp'
     group by reference, sku having count(*) > 1`,
  );
  expect(twice.rows).toEqual([]);
  const ids = feed.state.changes.filter(({ op }) => op === 'adjust').map(({ id }) => id);
  const taken = await inspector.query<{ reference: string }>(
    `select reference from ledger_entry where reason = 'source.adjust'`,
  );
  expect(taken.rows.map(({ reference }) => reference).toSorted()).toEqual(ids.toSorted());
  const held = await inspector.query('select from source_held_item');
  expect(held.rowCount).toBe(0);
  await expectCleanAudit(inspector);
});

import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatabaseHandle } from '../../src/db/index.ts';
import { levelAsOf, snapshotLevels } from '../../src/stock/index.ts';
import { asOfQuery } from '../../src/stock/level-as-of.ts';
import { expectCleanAudit, findViolations } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';
import {
  adjust,
  count,
  levelKey,
  newSku,
  openInspector,
  openTestWriter,
  type TestWriter,
} from '../support/stock.ts';

let database: TestDatabase;
let handle: DatabaseHandle;
let inspector: Pool;
let stock: TestWriter;

const every = 100;

beforeAll(async () => {
  database = await createTestDatabase();
  handle = openDatabase({ connectionString: database.connectionString });
  inspector = await openInspector(database.connectionString);
  stock = openTestWriter(database.connectionString, { snapshotEvery: every / 2 });
});

afterAll(async () => {
  await stock.close();
  await handle.close();
  await inspector.end();
  await database.drop();
});

/** A level with so many entries, recorded at different times; in batches. */
async function writeHistory(sku: string, entries: number): Promise<void> {
  await stock.writer.submitOne(count(sku, entries));
  for (let done = 1; done < entries;) {
    const size = Math.min(997, entries - done);
    await stock.writer.submit(
      Array.from({ length: size }, (_, i) =>
        adjust(sku, i % 3 === 0 ? -1 : 1, i % 5 === 0 ? { quantity: 'incoming', delta: 1 } : {}),
      ),
    );
    done += size;
  }
}

/** A level at a time by the whole ledger, without any snapshot. */
async function byLedger(sku: string, at: Date): Promise<Record<string, unknown> | undefined> {
  const { rows } = await inspector.query<Record<string, unknown>>(
    `select max(version)::integer as version,
       coalesce(sum(delta) filter (where quantity = 'on_hand'), 0)::integer as "onHand",
       coalesce(sum(delta) filter (where quantity = 'incoming'), 0)::integer as incoming
     from ledger_entry where merchant_id = 'default' and sku = $1 and recorded_at <= $2
     having count(*) > 0`,
    [sku, at],
  );
  return rows[0];
}

async function momentsOf(sku: string): Promise<Date[]> {
  const { rows } = await inspector.query<{ at: Date }>(
    `select distinct recorded_at as at from ledger_entry
     where merchant_id = 'default' and sku = $1 order by 1`,
    [sku],
  );
  return rows.map(({ at }) => at);
}

test('at every moment of its history a level is what the whole ledger says', async () => {
  const sku = newSku();
  await writeHistory(sku, 5_000);
  const moments = await momentsOf(sku);
  expect(moments.length).toBeGreaterThan(4);
  for (const moment of moments) {
    for (const at of [moment, new Date(moment.getTime() - 1)]) {
      const found = await levelAsOf(handle.db, levelKey(sku), at);
      const told = await byLedger(sku, at);
      const { version, onHand, incoming } = found.ok ? found.value : {};
      expect({ version, onHand, incoming }).toEqual(told ?? {});
    }
  }
  await expectCleanAudit(inspector);
});

test('a level without a snapshot is read from its first entry on', async () => {
  const sku = newSku();
  await writeHistory(sku, 10);
  expect(await levelAsOf(handle.db, levelKey(sku), new Date('2999-01-01'))).toMatchObject({
    value: { version: 10 },
  });
  expect(await levelAsOf(handle.db, levelKey(sku), new Date('2001-01-01'))).toMatchObject({
    refusal: { code: 'STOCK.NOT_FOUND' },
  });
});

type PlanNode = {
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
};

/** Rows of the ledger that a plan has read. */
function entriesRead(node: PlanNode): number {
  const own =
    node['Relation Name']?.startsWith('ledger_entry') === true
      ? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']
      : 0;
  return (node.Plans ?? []).reduce((sum, plan) => sum + entriesRead(plan), own);
}

test('a question about a level with 100,000 entries reads no more than a hundred', async () => {
  const sku = newSku();
  await writeHistory(sku, 100_000);
  const moments = await momentsOf(sku);
  const asked = [0, 0.3, 0.5, 0.9, 1].map((share) => moments[Math.floor(share * moments.length)]);
  let mostRead = 0;
  for (const at of asked) {
    const { sql, parameters } = asOfQuery(levelKey(sku), at ?? new Date()).compile(handle.db);
    const { rows } = await inspector.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `explain (analyze, format json) ${sql}`,
      [...parameters],
    );
    const plan = rows[0]?.['QUERY PLAN'][0].Plan;
    if (plan === undefined) throw new Error('no plan');
    const read = entriesRead(plan);
    expect(read).toBeLessThanOrEqual(every);
    mostRead = Math.max(mostRead, read);
  }
  // The plan's nodes of the ledger were found: a question does read some.
  expect(mostRead).toBeGreaterThan(0);
});

test('the nightly round makes one snapshot, and the audit sees a wrong one', async () => {
  const sku = newSku();
  await writeHistory(sku, 7);
  while ((await snapshotLevels(handle.db, 3)) > 0);
  expect(await snapshotLevels(handle.db, 3)).toBe(0);
  await expectCleanAudit(inspector);
  await inspector.query(
    `update stock_snapshot set on_hand = on_hand + 1 where merchant_id = 'default' and sku = $1`,
    [sku],
  );
  expect(Object.keys(await findViolations(inspector))).toEqual(['snapshot_differs']);
});

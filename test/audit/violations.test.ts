import type { Pool, PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openInspector, openTestWriter } from '../support/stock.ts';
import { connectChannel, runMixedCommands } from './mixed-run.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = await openInspector(database.connectionString);
  const writer = openTestWriter(database.connectionString);
  await runMixedCommands(writer);
  await expectCleanAudit(pool);
  await connectChannel(pool);
  await writer.close();
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** How the data can be broken, each so that one view alone shows it. */
const breaches: Record<string, string> = {
  negative_quantity: `
    alter table stock_level drop constraint stock_level_incoming_check;
    alter table ledger_entry drop constraint ledger_entry_balance_check;
    update stock_level set incoming = -1, version = version + 1 where sku = 'vase';
    insert into ledger_entry (merchant_id, sku, location_id, version, quantity, delta,
      balance_after, command_id, occurred_at, recorded_at)
    select merchant_id, sku, location_id, version, 'incoming', -1, -1, gen_random_uuid(), now(),
      now()
    from stock_level where sku = 'vase'`,
  oversold_by_reservation: `
    insert into stock_level (merchant_id, sku, location_id, on_hand, reserved, version, updated_at,
      first_hold_ends_at)
    values ('default', 'mug', 'main', 1, 2, 2, now(), now());
    insert into ledger_entry (merchant_id, sku, location_id, version, quantity, delta,
      balance_after, command_id, occurred_at, recorded_at)
    values ('default', 'mug', 'main', 1, 'on_hand', 1, 1, gen_random_uuid(), now(), now()),
      ('default', 'mug', 'main', 2, 'reserved', 2, 2, gen_random_uuid(), now(), now());
    insert into outbox_message (merchant_id, sku, location_id, version, recorded_at)
    values ('default', 'mug', 'main', 2, now());
    insert into reservation (merchant_id, reservation_id, status, expires_at, created_at,
      updated_at)
    values ('default', 'rsv_mug', 'active', now() + interval '1 day', now(), now());
    insert into reservation_line (merchant_id, reservation_id, sku, location_id, quantity,
      held_until)
    select 'default', reservation_id, 'mug', 'main', 2, expires_at
    from reservation where reservation_id = 'rsv_mug'`,
  ledger_sum_differs: `update stock_level set on_hand = on_hand + 1 where sku = 'lamp'`,
  ledger_balance_broken: `
    update ledger_entry set balance_after = balance_after + 1
    where sku = 'lamp' and version = 2`,
  ledger_without_level: `
    insert into ledger_entry (merchant_id, sku, location_id, version, quantity, delta,
      balance_after, command_id, occurred_at, recorded_at)
    values ('default', 'ghost', 'main', 1, 'on_hand', 5, 5, gen_random_uuid(), now(), now())`,
  version_not_contiguous: `
    delete from ledger_entry e using (
      select sku, version from ledger_entry where reason = 'reservation.extended') x
    where e.sku = x.sku and e.version = x.version`,
  version_differs: `
    update stock_level set version = version + 1 where sku = 'vase'`,
  command_repeated: `
    update ledger_entry set command_id = (
      select command_id from ledger_entry where sku = 'lamp' and version = 2)
    where sku = 'lamp' and version = 1`,
  outbox_without_entry: `
    insert into outbox_message (merchant_id, sku, location_id, version, recorded_at)
    values ('default', 'lamp', 'main', 4711, now())`,
  outbox_duplicate: `
    insert into outbox_message (merchant_id, sku, location_id, version, recorded_at)
    select 'default', 'lamp', 'main', 1, now() from generate_series(1, 2)`,
  reserved_differs: `
    update reservation_line set quantity = quantity + 1 where held_until is not null`,
  first_hold_differs: `
    update stock_level set first_hold_ends_at = first_hold_ends_at + interval '1 second'`,
  channel_version_differs: `
    update ledger_entry set source_channel = 'elsewhere' where sku = 'lamp' and version = 1`,
  hold_differs: `
    update reservation_line set held_until = held_until + interval '1 second'
    where held_until is not null`,
  reservation_without_lines: `
    insert into reservation (merchant_id, reservation_id, status, expires_at, created_at,
      updated_at)
    values ('default', 'rsv_empty', 'released', now(), now(), now())`,
  inbound_order_differs: `
    with o as (
      insert into channel (merchant_id, channel_id, kind, config, mode, timeout_ms, enabled, queue,
        selects_all, created_at, updated_at)
      values ('default', 'other', 'webhook', '{}', 'latest', 1000, false, 'q', false, now(), now())
    ), i as (
      insert into inbound_order (merchant_id, channel_id, order_id, revision, status, occurred_at,
        updated_at)
      values ('default', 'other', 'order-9', 1, 'confirmed', now(), now())
    )
    insert into inbound_line (merchant_id, channel_id, order_id, line_id, wanted, sku, location_id,
      sold)
    values ('default', 'other', 'order-9', '1', 1, 'lamp', 'main', 1)`,
  snapshot_differs: `
    insert into stock_snapshot (merchant_id, sku, location_id, version, on_hand, reserved,
      allocated, open_orders, pending_sales, unavailable, safety_stock, incoming, recorded_at)
    select merchant_id, sku, location_id, version, on_hand + 1, reserved, allocated, open_orders,
      pending_sales, unavailable, safety_stock, incoming, updated_at
    from stock_level where sku = 'lamp'`,
  archived_entry_left: `
    insert into ledger_archive (from_at, to_at, entries, digest, file, bytes, sha256, csv_sha256,
      archived_at, archived_by)
    values ('-infinity', now() + interval '1 day', 0, 0, 'f', 0, '', '', now(), 'test')`,
  sku_total_differs: `
    alter table stock_level drop constraint stock_level_location_fkey;
    insert into stock_level (merchant_id, sku, location_id, on_hand, version, updated_at)
    values ('default', 'mug', 'ghost', 5, 1, now());
    insert into ledger_entry (merchant_id, sku, location_id, version, quantity, delta,
      balance_after, command_id, occurred_at, recorded_at)
    values ('default', 'mug', 'ghost', 1, 'on_hand', 5, 5, gen_random_uuid(), now(), now());
    insert into outbox_message (merchant_id, sku, location_id, version, recorded_at)
    values ('default', 'mug', 'ghost', 1, now())`,
  listing_ahead: `update listing set published_version = 4711 where sku = 'lamp'`,
  listing_differs: `update listing set published_quantity = 4711 where sku = 'lamp'`,
  listing_behind: `update listing set published_version = 0 where sku = 'lamp'`,
  dead_letter_unseen: `delete from delivery`,
};

/** Other ways to the same views. */
const variants: [view: string, breach: string][] = [
  [
    // Beside a hold that had ended and was swept before: its units were free already.
    'oversold_by_reservation',
    `${breaches['oversold_by_reservation']};
     insert into reservation (merchant_id, reservation_id, status, expires_at, created_at,
       updated_at)
     values ('default', 'rsv_old', 'expired', now() - interval '2 hours', now() - interval '1 day',
       now() - interval '1 hour');
     insert into reservation_line (merchant_id, reservation_id, sku, location_id, quantity)
     values ('default', 'rsv_old', 'mug', 'main', 5)`,
  ],
  [
    // All its entries are archived, and its row is gone.
    'ledger_without_level',
    `insert into ledger_opening (merchant_id, sku, location_id, version, on_hand, reserved,
       allocated, open_orders, pending_sales, unavailable, safety_stock, incoming, recorded_at)
     values ('default', 'gone', 'main', 3, 7, 0, 0, 0, 0, 0, 0, 0, now())`,
  ],
  [
    'version_not_contiguous',
    `update ledger_entry set command_id = gen_random_uuid()
     where reason = 'reservation.committed' and quantity = 'reserved' and sku = 'vase'`,
  ],
  [
    'reserved_differs',
    `update reservation_line set sku = 'unknown' where held_until is not null
     and sku = 'lamp'`,
  ],
  ['hold_differs', `update reservation set status = 'released' where order_id = 'order-6'`],
  [
    'command_repeated',
    `update ledger_entry e set command_id = c.command_id
     from (select command_id from ledger_entry where sku = 'lamp' and version = 1) c
     where e.sku = 'rug' and e.version = 4`,
  ],
  [
    'listing_differs',
    `update channel set buffer = '{"max": 3}' where channel_id = 'web';
     update listing set published_quantity = 4 where sku = 'lamp'`,
  ],
  ['listing_behind', `delete from listing where sku = 'lamp'`],
  [
    // Said to be archived, and still in the ledger.
    'version_not_contiguous',
    `insert into ledger_opening (merchant_id, sku, location_id, version, on_hand, reserved,
       allocated, open_orders, pending_sales, unavailable, safety_stock, incoming, recorded_at)
     values ('default', 'lamp', 'main', 1, 0, 0, 0, 0, 0, 0, 0, 0, now())`,
  ],
  ['listing_ahead', `update listing set wanted_version = wanted_version + 1 where sku = 'vase'`],
];

async function filledViews(client: PoolClient): Promise<string[]> {
  const names = await violationViews(client);
  const { rows } = await client.query<{ name: string }>(
    names
      .map((name) => `select '${name}' as name where exists (select from audit.${name})`)
      .join(' union all '),
  );
  return rows.map(({ name }) => name).toSorted();
}

async function violationViews(client: Pool | PoolClient): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'audit'::regnamespace and relkind = 'v'
       and obj_description(oid, 'pg_class') like 'violation: %' order by 1`,
  );
  return rows.map(({ name }) => name);
}

/** What the views show while something is broken; it is whole again afterwards. */
async function breakOnce(breach: string): Promise<string[]> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(breach);
    return await filledViews(client);
  } finally {
    await client.query('rollback');
    client.release();
  }
}

test('every view is empty after a run of every kind of command', async () => {
  await expectCleanAudit(pool);
  const { rows } = await pool.query('select sku, available from audit.oversold');
  expect(rows).toEqual([{ sku: 'lamp', available: -13 }]);
});

test('every violation view has a test that breaks it', async () => {
  expect(await violationViews(pool)).toEqual(Object.keys(breaches).toSorted());
});

test.each(Object.entries(breaches))(
  'broken data shows in %s, and nowhere else',
  async (view, sql) => {
    expect(await breakOnce(sql)).toEqual([view]);
  },
);

test.each(variants)('another breach shows in %s: %s', async (view, sql) => {
  expect(await breakOnce(sql)).toEqual([view]);
});

test('every view of the schema says what a row means', async () => {
  const { rows } = await pool.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'audit'::regnamespace and relkind = 'v'
       and coalesce(obj_description(oid, 'pg_class'), '') !~ '^(violation|information): '`,
  );
  expect(rows).toEqual([]);
});

test('the readable ledger has a line for each entry', async () => {
  const { rows } = await pool.query(
    `select merchant, sku, store, quantity, delta, balance, version, who, why, reference
     from audit.ledger where reference = 'order-1' and sku = 'vase' order by version, quantity`,
  );
  const line = { merchant: 'default', sku: 'vase', store: 'main', who: 'test' };
  expect(rows.slice(0, 1)).toEqual([
    {
      ...line,
      quantity: 'reserved',
      delta: 1,
      balance: 1,
      version: 3,
      why: 'reservation.created',
      reference: 'order-1',
    },
  ]);
  expect(rows.map(({ why }: { why: string }) => why)).toEqual([
    'reservation.created',
    'reservation.committed',
    'reservation.committed',
    'order.cancelled',
  ]);
});

test('totals show what levels and ledger add up to', async () => {
  const { rows } = await pool.query(
    `select quantity, levels, ledger, difference from audit.totals where quantity = 'on_hand'`,
  );
  expect(rows).toEqual([{ quantity: 'on_hand', levels: 19, ledger: 19, difference: 0 }]);
});

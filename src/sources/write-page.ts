import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { together } from '../db/index.ts';
import { newId } from '../ids.ts';
import { quantityColumn, type StockDesk } from '../stock/index.ts';
import { countNames } from './counts.ts';
import type { DecidedItem } from './decide-items.ts';
import { heldKey, placeOf, type Known } from './known.ts';
import { isAfter } from './read-later.ts';
import type { Place, SourceItem, UnreadableItem } from './source.ts';
import type { QuarantineCause, RunCounts } from './tables.ts';

/** Whose rows are written. */
export type SourceName = { readonly merchantId: string; readonly sourceId: string };

/*
 * Rows are looked up place by place and then written by where they lie: the plan of a join could
 * read all figures of the source for each place (measured: 400 ms instead of 110 ms for a page of
 * 1,000 of 4,000). Nobody else writes them, the source's row is locked.
 */
const placeColumns = (items: readonly Place[]) => [
  items.map(({ sku }) => sku),
  items.map(({ storeId }) => storeId),
  items.map(({ quantity }) => quantityColumn[quantity]),
];
const places =
  'unnest($3::text[], $4::text[], $5::stock_quantity[]) as u(sku, location_id, quantity)';

/** What is known around figures that were taken. */
export type FigureContext = {
  readonly desk: StockDesk;
  readonly known: Known;
  /** Of the last full read that began. */
  readonly generation: number;
};

/**
 * Keeps figures that were taken, as the source said them; open quarantine of their places is
 * superseded, and movements that they have in them are settled.
 */
export async function writeFigures(
  client: PoolClient,
  name: SourceName,
  items: readonly SourceItem[],
  context: FigureContext,
): Promise<void> {
  if (items.length === 0) return;
  // Of one place the last one is the newest.
  const newest = [...new Map(items.map((item) => [placeOf(item), item])).values()];
  const told = newest.filter(({ missingIn }) => missingIn === undefined);
  const missing = newest.filter(({ missingIn }) => missingIn !== undefined);
  await together([
    writeTold(client, name, told, context),
    writeMissing(client, name, missing, context),
    settleMovements(client, name, newest, context),
    supersedeQuarantine(client, name, newest),
  ]);
}

async function writeTold(
  client: PoolClient,
  { merchantId, sourceId }: SourceName,
  newest: readonly SourceItem[],
  { desk, generation }: FigureContext,
): Promise<void> {
  if (newest.length === 0) return;
  await client.query({
    name: 'source_tell',
    text: `insert into source_figure (merchant_id, source_id, sku, location_id, quantity, value,
       version, observed_at, item_id, first_version, generation, recorded_at)
     select $1, $2, u.*, $11, clock_timestamp()
     from unnest($3::text[], $4::text[], $5::stock_quantity[], $6::integer[], $7::text[],
       $8::timestamptz[], $9::text[], $10::bigint[]) as u
     on conflict (merchant_id, source_id, sku, location_id, quantity) do update
       set value = excluded.value, version = excluded.version, observed_at = excluded.observed_at,
           item_id = excluded.item_id, recorded_at = excluded.recorded_at, missing = false,
           generation = greatest(source_figure.generation, excluded.generation)`,
    values: [
      merchantId,
      sourceId,
      ...placeColumns(newest),
      newest.map(({ value }) => value),
      newest.map(({ version }) => version ?? null),
      newest.map(({ observedAt }) => observedAt),
      newest.map(({ id }) => id),
      newest.map(({ sku, storeId }) => desk.level({ merchantId, sku, storeId }).version),
      generation,
    ],
  });
}

/** What a full read did not show is zero, but the source has not said anything: the order stays. */
async function writeMissing(
  client: PoolClient,
  { merchantId, sourceId }: SourceName,
  items: readonly SourceItem[],
  { generation }: FigureContext,
): Promise<void> {
  if (items.length === 0) return;
  await client.query(
    `update source_figure
     set value = 0, missing = true, generation = greatest(generation, $6),
         recorded_at = clock_timestamp()
     from (
       select f.ctid as place from ${places}
       cross join lateral (
         select f.ctid from source_figure f
         where f.merchant_id = $1 and f.source_id = $2 and f.sku = u.sku
           and f.location_id = u.location_id and f.quantity = u.quantity
         offset 0) f offset 0) found
     where ctid = found.place`,
    [merchantId, sourceId, ...placeColumns(items), generation],
  );
}

/** Movements that a figure has in it are known by their ids only from then on. */
async function settleMovements(
  client: PoolClient,
  { merchantId, sourceId }: SourceName,
  items: readonly SourceItem[],
  { known }: FigureContext,
): Promise<void> {
  const ids = items.flatMap((item) => {
    const moved = known.moved.get(placeOf(item)) ?? [];
    return moved.filter((movement) => !isAfter(movement, item)).map(({ id }) => id);
  });
  if (ids.length === 0) return;
  await client.query(
    `update source_movement set settled = true
     where merchant_id = $1 and source_id = $2 and item_id = any ($3::text[])`,
    [merchantId, sourceId, ids],
  );
}

async function supersedeQuarantine(
  client: PoolClient,
  { merchantId, sourceId }: SourceName,
  newest: readonly SourceItem[],
): Promise<void> {
  await client.query({
    name: 'source_supersede',
    text: `update source_quarantine set status = 'superseded', decided_at = clock_timestamp()
     from (
       select q.ctid as place from ${places}
       cross join lateral (
         select q.ctid from source_quarantine q
         where q.merchant_id = $1 and q.source_id = $2 and q.sku = u.sku
           and q.location_id = u.location_id and q.quantity = u.quantity
           and q.status in ('parked', 'pending')
         offset 0) q offset 0) found
     where ctid = found.place`,
    values: [merchantId, sourceId, ...placeColumns(newest)],
  });
}

/** Notes that a full read has shown these places, whatever it said of them. */
export async function markSeen(
  client: PoolClient,
  { merchantId, sourceId }: SourceName,
  items: readonly Place[],
  generation: number,
): Promise<void> {
  if (items.length === 0) return;
  await client.query({
    name: 'source_mark_seen',
    text: `update source_figure set generation = $6
     from (
       select f.ctid as place from ${places}
       cross join lateral (
         select f.ctid from source_figure f
         where f.merchant_id = $1 and f.source_id = $2 and f.sku = u.sku
           and f.location_id = u.location_id and f.quantity = u.quantity and f.generation < $6
         offset 0) f offset 0) found
     where ctid = found.place`,
    values: [merchantId, sourceId, ...placeColumns(items), generation],
  });
}

/** Keeps movements that were taken. */
export async function writeMovements(
  client: PoolClient,
  { merchantId, sourceId }: SourceName,
  items: readonly SourceItem[],
): Promise<void> {
  if (items.length === 0) return;
  await client.query(
    `insert into source_movement (merchant_id, source_id, sku, location_id, quantity, item_id,
       value, version, observed_at, recorded_at)
     select $1, $2, u.*, clock_timestamp()
     from unnest($3::text[], $4::text[], $5::stock_quantity[], $6::text[], $7::integer[],
       $8::text[], $9::timestamptz[]) as u`,
    [
      merchantId,
      sourceId,
      ...placeColumns(items),
      items.map(({ id }) => id),
      items.map(({ value }) => value),
      items.map(({ version }) => version ?? null),
      items.map(({ observedAt }) => observedAt),
    ],
  );
}

/** Keeps what could not be applied; what could be leaves. */
export async function writeHeld(
  client: PoolClient,
  { merchantId, sourceId }: SourceName,
  decided: readonly DecidedItem[],
  unreadable: readonly UnreadableItem[],
): Promise<void> {
  const settled = decided.filter(({ kind }) => kind !== 'held').map(({ item }) => heldKey(item));
  if (settled.length > 0) {
    await client.query({
      name: 'source_settle',
      text: `delete from source_held_item
       where merchant_id = $1 and source_id = $2 and item_key = any ($3::text[])`,
      values: [merchantId, sourceId, settled],
    });
  }
  const rows = new Map<string, { item: string; code: string }>();
  for (const one of decided) {
    if (one.kind !== 'held') continue;
    rows.set(heldKey(one.item), { item: JSON.stringify(one.item), code: one.code });
  }
  for (const { raw, problem } of unreadable) {
    const item = JSON.stringify({ problem, raw: shortened(raw) });
    const key = createHash('sha256').update(item).digest('hex');
    rows.set(JSON.stringify(['unreadable', key]), { item, code: 'SOURCE.ITEM_INVALID' });
  }
  if (rows.size === 0) return;
  await client.query(
    `insert into source_held_item (merchant_id, source_id, item_key, item, code, held_at)
     select $1, $2, u.*, clock_timestamp() from unnest($3::text[], $4::jsonb[], $5::text[]) as u
     on conflict (merchant_id, source_id, item_key) do update
       set item = excluded.item, code = excluded.code`,
    [
      merchantId,
      sourceId,
      [...rows.keys()],
      [...rows.values()].map(({ item }) => item),
      [...rows.values()].map(({ code }) => code),
    ],
  );
}

/** What Postgres takes as JSON, and not more of it than somebody would read. */
function shortened(raw: unknown): string {
  return (JSON.stringify(raw) ?? 'nothing')
    .slice(0, 2_000)
    .replaceAll('\\u0000', '')
    .toWellFormed();
}

type Suspect = {
  readonly item: SourceItem;
  readonly current: number;
  readonly cause: QuarantineCause;
};

/**
 * Puts figures aside: falls to zero until the end of the run, the others until somebody decides.
 * Where a place has an open one already it is replaced. Returns how many wait for a decision, and
 * how many of them were put there by this run.
 */
export async function writeQuarantine(
  client: PoolClient,
  { merchantId, sourceId }: SourceName,
  all: readonly Suspect[],
  runId: string,
): Promise<{ readonly pending: number; readonly fresh: number }> {
  if (all.length === 0) return { pending: 0, fresh: 0 };
  const suspects = [...new Map(all.map((one) => [heldKey(one.item), one])).values()];
  const items = suspects.map(({ item }) => item);
  const { rows } = await client.query<{ status: string; run_id: string }>(
    `insert into source_quarantine as q (merchant_id, source_id, run_id, quarantine_id, sku,
       location_id, quantity, current_value, value, version, observed_at, item, cause, status,
       created_at)
     select $1, $2, $3, u.*, case u.cause when 'mass_zero' then 'parked' else 'pending' end,
       clock_timestamp()
     from unnest($4::text[], $5::text[], $6::text[], $7::stock_quantity[], $8::integer[],
       $9::integer[], $10::text[], $11::timestamptz[], $12::jsonb[], $13::text[])
       as u(quarantine_id, sku, location_id, quantity, current_value, value, version, observed_at,
            item, cause)
     on conflict (merchant_id, source_id, sku, location_id, quantity)
       where status in ('parked', 'pending')
     do update set current_value = excluded.current_value, value = excluded.value,
       version = excluded.version, observed_at = excluded.observed_at, item = excluded.item,
       cause = excluded.cause,
       status = case q.status when 'pending' then 'pending' else excluded.status end
     returning q.status, q.run_id`,
    [
      merchantId,
      sourceId,
      runId,
      items.map(() => newId('qtn')),
      ...placeColumns(items),
      suspects.map(({ current }) => current),
      items.map(({ value }) => value),
      items.map(({ version }) => version ?? null),
      items.map(({ observedAt }) => observedAt),
      items.map((item) => JSON.stringify(item)),
      suspects.map(({ cause }) => cause),
    ],
  );
  const pending = rows.filter(({ status }) => status === 'pending');
  return { pending: pending.length, fresh: pending.filter((row) => row.run_id === runId).length };
}

/** Adds a page to the figures of its run. */
export async function writeCounts(
  client: PoolClient,
  { merchantId, sourceId }: SourceName,
  runId: string,
  counts: RunCounts,
  pages: number,
): Promise<void> {
  const sums = countNames.map((name, index) => `${name} = ${name} + $${index + 5}`).join(', ');
  await client.query({
    name: 'source_count',
    text: `update source_run set pages = pages + $4, ${sums}
     where merchant_id = $1 and source_id = $2 and run_id = $3`,
    values: [merchantId, sourceId, runId, pages, ...countNames.map((name) => counts[name])],
  });
}

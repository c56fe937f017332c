import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { PoolClient } from 'pg';
import type { Db } from '../db/index.ts';
import type { TogetherOptions } from '../stock/index.ts';
import { applyPage, type PageInput } from './apply-page.ts';
import { noCounts, addCounts } from './counts.ts';
import { isOwned } from './ownership.ts';
import { readKept } from './source.ts';
import type { RunCounts } from './tables.ts';
import type { SourceName } from './write-page.ts';

/** So few SKUs may fall to zero together, unless they are all that the source has. */
const fewSkus = 2;
/** What brings its falls piece by piece is judged by those of so many minutes together. */
const recentMinutes = 10;

export type SettleInput = SourceName & {
  readonly runId: string;
  /**
   * A push settles only what it has parked itself, and not for a read that is on its way; it is
   * judged together with what else waits and what has fallen just now. A read has come to its end.
   */
  readonly isPush: boolean;
  readonly massZeroPercent: number;
  readonly batchSize: number;
  readonly readAt: Date;
};

export type Settled = { readonly counts: RunCounts; readonly fresh: number };

/**
 * Decides on the falls to zero of a read that has come to its end, or of a push, all together:
 * they are applied, or when they are more than the share of the source's SKUs that may fall at
 * once, none is and they wait for somebody's approval.
 */
export async function settleZeros(
  db: Db,
  options: TogetherOptions,
  input: SettleInput,
): Promise<Settled> {
  if (isSuspicious(await countFalling(db, input), input.massZeroPercent)) {
    const quarantined = await quarantineParked(db, input);
    return { counts: { ...noCounts, quarantined }, fresh: quarantined };
  }
  let counts = noCounts;
  for (;;) {
    const ids = await readParked(db, input);
    if (ids.length === 0) return { counts, fresh: 0 };
    const page = await applyPage(options, {
      ...input,
      token: randomUUID(),
      items: [],
      unreadable: [],
      guards: null,
      deduplicate: true,
      origin: 'approved',
      take: (client) => takeParked(client, input, ids),
    });
    const { applied, unchanged, stale, held, refused } = page.counts;
    counts = addCounts(counts, { ...noCounts, applied, unchanged, stale, held, refused });
  }
}

type Falling = { readonly falling: number; readonly all: number };

/** One SKU may sell out, and the only one there is, too. */
function isSuspicious({ falling, all }: Falling, massZeroPercent: number): boolean {
  if (falling < 2 || (falling <= fewSkus && falling < all)) return false;
  return falling * 100 > massZeroPercent * all;
}

function scope({ merchantId, sourceId, runId, isPush }: SettleInput) {
  return sql`merchant_id = ${merchantId} and source_id = ${sourceId} and status = 'parked'
    and (${!isPush} or run_id = ${runId})`;
}

/** SKUs that fall to zero, and those that have something now by the source that owns them. */
async function countFalling(
  db: Db,
  { merchantId, sourceId, isPush }: SettleInput,
): Promise<Falling> {
  const { rows } = await sql<Falling>`
    with falling as materialized (
      select sku from source_quarantine
      where merchant_id = ${merchantId} and source_id = ${sourceId} and status = 'parked'
      union
      select f.sku from source_fall f
      where ${isPush} and f.merchant_id = ${merchantId} and f.source_id = ${sourceId}
        and f.fell_at > clock_timestamp() - ${recentMinutes} * interval '1 minute'
        and not exists (
          select from source_figure s
          where s.merchant_id = f.merchant_id and s.source_id = f.source_id and s.sku = f.sku
            and s.value > 0 and ${sql.raw(isOwned('s'))}))
    select (select count(*) from falling)::integer as falling,
      case when (select count(*) from falling) < 2 then 0 else (
        select count(*) from (
          select s.sku from source_figure s
          where s.merchant_id = ${merchantId} and s.source_id = ${sourceId} and s.value > 0
            and ${sql.raw(isOwned('s'))}
          union
          select sku from falling) s) end::integer as "all"`.execute(db);
  return rows[0] ?? { falling: 0, all: 0 };
}

async function readParked(db: Db, input: SettleInput): Promise<readonly string[]> {
  const { rows } = await sql<{ quarantine_id: string }>`
    select quarantine_id from source_quarantine where ${scope(input)}
    order by sku, location_id, quantity limit ${input.batchSize}`.execute(db);
  return rows.map((row) => row.quarantine_id);
}

/** Takes falls out of where they waited, as they are by now, and notes that they fell. */
async function takeParked(
  client: PoolClient,
  { merchantId, sourceId, readAt }: SettleInput,
  ids: readonly string[],
): Promise<Pick<PageInput, 'items' | 'readAt'>> {
  await client.query(
    `delete from source_fall
     where merchant_id = $1 and source_id = $2
       and fell_at <= clock_timestamp() - $3 * interval '1 minute'`,
    [merchantId, sourceId, recentMinutes],
  );
  const { rows } = await client.query<{ item: unknown }>(
    `with fallen as (
       delete from source_quarantine
       where merchant_id = $1 and quarantine_id = any ($2::text[]) and status = 'parked'
       returning source_id, sku, location_id, quantity, item),
     noted as (
       insert into source_fall (merchant_id, source_id, sku, fell_at)
       select distinct $1, source_id, sku, clock_timestamp() from fallen
       on conflict (merchant_id, source_id, sku) do update set fell_at = excluded.fell_at)
     select item from fallen order by sku, location_id, quantity`,
    [merchantId, ids],
  );
  return { items: readKept(rows.map(({ item }) => item)), readAt };
}

async function quarantineParked(db: Db, input: SettleInput): Promise<number> {
  return await db.transaction().execute(async (tx) => {
    const { rows } = await sql`
      update source_quarantine set status = 'pending', run_id = ${input.runId}
      where ${scope(input)} returning quarantine_id`.execute(tx);
    await sql`
      update source_run set quarantined = quarantined + ${rows.length}
      where merchant_id = ${input.merchantId} and source_id = ${input.sourceId}
        and run_id = ${input.runId}`.execute(tx);
    return rows.length;
  });
}

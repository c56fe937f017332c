import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../db/index.ts';
import { defaultsText, keepsNothing, type BuffersContext } from './context.ts';

/** Has the workers go through the merchant's levels; they begin within a second. */
export async function requestRecompute(db: Db, merchantId: string): Promise<void> {
  await sql`
    insert into safety_run (merchant_id, requested_at, next_run_at)
    values (${merchantId}, clock_timestamp(), clock_timestamp())
    on conflict (merchant_id) do update set requested_at = excluded.requested_at`.execute(db);
}

/** Merchants get a row of their own, and with it a time for their first run. */
export async function planRuns(db: Db, merchantIds: readonly string[]): Promise<void> {
  await sql`
    insert into safety_run (merchant_id, next_run_at)
    select merchant_id, clock_timestamp() from unnest(${merchantIds}::text[]) as u(merchant_id)
    on conflict do nothing`.execute(db);
}

/**
 * Merchants whose levels are to be gone through now, those first for which it was asked, at most
 * `limit`. Where nothing is kept back by rule or settings, and a run has seen that, none is due.
 */
export async function dueBuffers(context: BuffersContext, limit: number): Promise<string[]> {
  const { rows } = await sql<{ merchant_id: string }>`
    select r.merchant_id from safety_run r where ${isDue(context)}
    order by r.requested_at is null, r.next_run_at limit ${limit}`.execute(context.db);
  return rows.map((row) => row.merchant_id);
}

/** Whether the merchant's levels are to be gone through now. */
export async function isBufferDue(context: BuffersContext, merchantId: string): Promise<boolean> {
  const { rows } = await sql`
    select from safety_run r
    where r.merchant_id = ${merchantId} and ${isDue(context)}`.execute(context.db);
  return rows.length > 0;
}

function isDue(context: BuffersContext): RawBuilder<boolean> {
  return sql`(r.requested_at is not null or (r.next_run_at <= clock_timestamp()
    and (r.defaults is distinct from ${defaultsText(context)} or ${keepsSome(context)})))`;
}

/** Whether settings or rules keep something of the merchant's back. */
function keepsSome(context: BuffersContext): RawBuilder<boolean> {
  return sql`(${!keepsNothing(context)}
    or exists (select from safety_buffer b where b.merchant_id = r.merchant_id))`;
}

/** Merchants that keep something back, and how far their changes have been followed. */
export async function followedMerchants(
  context: BuffersContext,
): Promise<readonly { merchantId: string; followed: number | null }[]> {
  const { rows } = await sql<{ merchant_id: string; followed: number | null }>`
    select r.merchant_id, r.followed from safety_run r
    where ${keepsSome(context)}`.execute(context.db);
  return rows.map((row) => ({ merchantId: row.merchant_id, followed: row.followed }));
}

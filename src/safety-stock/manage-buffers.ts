import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import { getLocation, storeNotFound } from '../stock/index.ts';
import { keyOf, viewBuffer, type BufferRule, type BufferScope, type BufferView } from './buffer.ts';
import { requestRecompute } from './due.ts';

/** The key of a rule, in the order in which rules are listed. */
export type BufferKey = readonly [category: string, sku: string, storeId: string];

/**
 * Sets the rule of a scope, in place of the one it had, and has the levels gone through. Refusals,
 * in this order: SAFETY_BUFFER.SCOPE_INVALID (a SKU and a category), STORE.NOT_FOUND.
 */
export async function putBuffer(
  db: Db,
  merchantId: string,
  scope: BufferScope,
  rule: BufferRule,
): Promise<Result<{ readonly created: boolean; readonly buffer: BufferView }>> {
  if (scope.sku !== undefined && scope.category !== undefined) {
    const detail = 'A rule is for a SKU or for a category, not for both.';
    return refused(refuse('SAFETY_BUFFER.SCOPE_INVALID', detail));
  }
  if (scope.storeId !== undefined) {
    const store = await getLocation(db, merchantId, scope.storeId);
    if (store === undefined) return refused(storeNotFound(scope.storeId));
  }
  const { category, sku, location_id } = keyOf(scope);
  const row = await db.transaction().execute(async (tx) => {
    const { rows } = await sql<Parameters<typeof viewBuffer>[0] & { created: boolean }>`
      insert into safety_buffer as b (merchant_id, category, sku, location_id, strategy, units,
        percentage, lead_time_days, service_level, window_days, updated_at)
      values (${merchantId}, ${category}, ${sku}, ${location_id}, ${rule.strategy},
        ${rule.units}, ${rule.percentage}, ${rule.leadTimeDays}, ${rule.serviceLevel},
        ${rule.windowDays}, clock_timestamp())
      on conflict (merchant_id, category, sku, location_id) do update
        set strategy = excluded.strategy, units = excluded.units,
            percentage = excluded.percentage, lead_time_days = excluded.lead_time_days,
            service_level = excluded.service_level, window_days = excluded.window_days,
            updated_at = excluded.updated_at
      returning b.*, xmax = 0 as created`.execute(tx);
    // A run that is under way has not seen the rule, and does not count for it: it finds another
    // request than it began with. One that begins waits for this transaction.
    await requestRecompute(tx, merchantId);
    return rows[0];
  });
  if (row === undefined) throw new Error('the rule was not written');
  return ok({ created: row.created, buffer: viewBuffer(row) });
}

/** Takes a rule away, and has the levels gone through. Refusals: SAFETY_BUFFER.NOT_FOUND. */
export async function deleteBuffer(
  db: Db,
  merchantId: string,
  scope: BufferScope,
): Promise<Result<undefined>> {
  const { category, sku, location_id } = keyOf(scope);
  const isDeleted = await db.transaction().execute(async (tx) => {
    const deleted = await tx
      .deleteFrom('safety_buffer')
      .where('merchant_id', '=', merchantId)
      .where('category', '=', category)
      .where('sku', '=', sku)
      .where('location_id', '=', location_id)
      .returning('sku')
      .executeTakeFirst();
    // Together: a repeat after a fault would not find the rule any more.
    if (deleted !== undefined) await requestRecompute(tx, merchantId);
    return deleted !== undefined;
  });
  if (isDeleted) return ok(undefined);
  return refused(refuse('SAFETY_BUFFER.NOT_FOUND', 'There is no such rule.'));
}

/** Rules, those of everything first, then by SKU, then by category; at most `limit` of them. */
export async function listBuffers(
  db: Db,
  filter: BufferScope & PageRequest<BufferKey> & { readonly merchantId: string },
): Promise<PageOf<BufferView, BufferKey>> {
  const { merchantId, sku, category, storeId, after, limit } = filter;
  let query = db
    .selectFrom('safety_buffer')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .orderBy('category')
    .orderBy('sku')
    .orderBy('location_id')
    .limit(limit + 1);
  if (sku !== undefined) query = query.where('sku', '=', sku);
  if (category !== undefined) query = query.where('category', '=', category);
  if (storeId !== undefined) query = query.where('location_id', '=', storeId);
  if (after !== undefined) {
    query = query.where(
      sql<boolean>`(category, sku, location_id) > (${after[0]}, ${after[1]}, ${after[2]})`,
    );
  }
  const page = pageOf(await query.execute(), limit, (row): BufferKey => {
    return [row.category, row.sku, row.location_id];
  });
  return { ...page, items: page.items.map(viewBuffer) };
}

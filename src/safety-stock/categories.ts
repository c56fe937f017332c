import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import { requestRecompute } from './due.ts';

export type CategoryOfSku = { readonly sku: string; readonly category: string };

/**
 * Puts SKUs into categories, or with null into none, and has the levels gone through. Of a SKU that
 * comes twice the last one counts. Returns how many were changed.
 */
export async function putCategories(
  db: Db,
  merchantId: string,
  given: readonly { readonly sku: string; readonly category: string | null }[],
): Promise<number> {
  const wanted = new Map(given.map(({ sku, category }) => [sku, category]));
  const { rows } = await sql<{ changed: number }>`
    with u as materialized (
      select * from unnest(${[...wanted.keys()]}::text[], ${[...wanted.values()]}::text[])
        as u(sku, category)
    ), gone as (
      delete from safety_category c using u
      where c.merchant_id = ${merchantId} and c.sku = u.sku and u.category is null
      returning 1
    ), put as (
      insert into safety_category as c (merchant_id, sku, category)
      select ${merchantId}, u.sku, u.category from u where u.category is not null
      on conflict (merchant_id, sku) do update set category = excluded.category
      where c.category <> excluded.category
      returning 1
    )
    select ((select count(*) from gone) + (select count(*) from put))::integer as changed
  `.execute(db);
  const changed = rows[0]?.changed ?? 0;
  if (changed > 0) await requestRecompute(db, merchantId);
  return changed;
}

/** SKUs with their categories, by SKU, at most `limit` after `after`. */
export async function listCategories(
  db: Db,
  filter: PageRequest & {
    readonly merchantId: string;
    readonly sku?: string | undefined;
    readonly category?: string | undefined;
  },
): Promise<PageOf<CategoryOfSku, string>> {
  const { merchantId, sku, category, after, limit } = filter;
  let query = db
    .selectFrom('safety_category')
    .select(['sku', 'category'])
    .where('merchant_id', '=', merchantId)
    .orderBy('sku')
    .limit(limit + 1);
  if (sku !== undefined) query = query.where('sku', '=', sku);
  if (category !== undefined) query = query.where('category', '=', category);
  if (after !== undefined) query = query.where('sku', '>', after);
  return pageOf(await query.execute(), limit, (last) => last.sku);
}

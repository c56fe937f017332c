import { sql } from 'kysely';
import type { Db } from '../db/index.ts';

/** The merchant that a fresh install has. */
export const defaultMerchantId = 'default';

export type MerchantView = {
  readonly merchantId: string;
  readonly name: string | null;
  readonly createdAt: string;
};

/** Creates a merchant or renames it; says whether it is new. */
export async function putMerchant(
  db: Db,
  input: { readonly merchantId: string; readonly name?: string | null | undefined },
): Promise<{ readonly created: boolean; readonly merchant: MerchantView }> {
  const { rows } = await sql<{ name: string | null; created_at: Date; created: boolean }>`
    insert into merchant as m (merchant_id, name)
    values (${input.merchantId}, ${input.name ?? null})
    on conflict (merchant_id) do update
      set name = case when ${input.name !== undefined} then excluded.name else m.name end
    returning m.name, m.created_at, xmax = 0 as created`.execute(db);
  const row = rows[0];
  if (row === undefined) throw new Error('the merchant was not written');
  const { created, name, created_at: createdAt } = row;
  return {
    created,
    merchant: { merchantId: input.merchantId, name, createdAt: createdAt.toISOString() },
  };
}

export async function merchantExists(db: Db, merchantId: string): Promise<boolean> {
  const row = await db
    .selectFrom('merchant')
    .select('merchant_id')
    .where('merchant_id', '=', merchantId)
    .executeTakeFirst();
  return row !== undefined;
}

/** Merchants by id, at most `limit` after `after`. */
export async function listMerchants(
  db: Db,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<{ readonly items: readonly MerchantView[]; readonly next: string | undefined }> {
  let query = db
    .selectFrom('merchant')
    .selectAll()
    .orderBy('merchant_id')
    .limit(page.limit + 1);
  if (page.after !== undefined) query = query.where('merchant_id', '>', page.after);
  const rows = await query.execute();
  const items = rows.slice(0, page.limit).map((row) => ({
    merchantId: row.merchant_id,
    name: row.name,
    createdAt: row.created_at.toISOString(),
  }));
  return { items, next: rows.length > page.limit ? items.at(-1)?.merchantId : undefined };
}

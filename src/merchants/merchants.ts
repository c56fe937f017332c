import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';

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
  const { rows } = await sql<MerchantRow & { created: boolean }>`
    insert into merchant as m (merchant_id, name)
    values (${input.merchantId}, ${input.name ?? null})
    on conflict (merchant_id) do update
      set name = case when ${input.name !== undefined} then excluded.name else m.name end
    returning m.merchant_id, m.name, m.created_at, xmax = 0 as created`.execute(db);
  const row = rows[0];
  if (row === undefined) throw new Error('the merchant was not written');
  return { created: row.created, merchant: viewMerchant(row) };
}

export async function merchantExists(db: Db, merchantId: string): Promise<boolean> {
  const { rows } = await sql`select from merchant where merchant_id = ${merchantId}`.execute(db);
  return rows.length > 0;
}

/** Merchants by id, at most `limit` after `after`. */
export async function listMerchants(
  db: Db,
  page: PageRequest,
): Promise<PageOf<MerchantView, string>> {
  let query = db
    .selectFrom('merchant')
    .selectAll()
    .orderBy('merchant_id')
    .limit(page.limit + 1);
  if (page.after !== undefined) query = query.where('merchant_id', '>', page.after);
  const found = pageOf(await query.execute(), page.limit, (last) => last.merchant_id);
  return { ...found, items: found.items.map(viewMerchant) };
}

type MerchantRow = { merchant_id: string; name: string | null; created_at: Date };

function viewMerchant({
  merchant_id: merchantId,
  name,
  created_at: at,
}: MerchantRow): MerchantView {
  return { merchantId, name, createdAt: at.toISOString() };
}

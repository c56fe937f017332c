import { randomBytes } from 'node:crypto';
import type { Db } from '../db/index.ts';
import { hashKey } from '../encryption.ts';
import { newId } from '../ids.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import { defaultMerchantId } from './merchants.ts';
import type { KeyRole } from './tables.ts';

export type KeyView = {
  readonly keyId: string;
  readonly name: string;
  readonly role: KeyRole;
  readonly createdAt: string;
};

/** Whom a key speaks for. */
export type KeyHolder = {
  readonly merchantId: string;
  readonly keyId: string;
  readonly role: KeyRole;
};

/** Makes a key, stores only its hash, and returns it: it cannot be shown again. */
export async function createKey(
  db: Db,
  input: { readonly merchantId: string; readonly name: string; readonly role: KeyRole },
): Promise<{ readonly keyId: string; readonly key: string }> {
  const keyId = newId('key');
  const key = `ohk_${randomBytes(32).toString('base64url')}`;
  await db
    .insertInto('api_key')
    .values({
      merchant_id: input.merchantId,
      key_id: keyId,
      name: input.name,
      role: input.role,
      key_hash: hashKey(key),
    })
    .execute();
  return { keyId, key };
}

/** The keys of a merchant that are in force, oldest first; never the instance's admin key. */
export async function listKeys(
  db: Db,
  merchantId: string,
  page: PageRequest,
): Promise<PageOf<KeyView, string>> {
  let query = db
    .selectFrom('api_key')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('revoked_at', 'is', null)
    .where('role', '<>', 'root')
    .orderBy('key_id')
    .limit(page.limit + 1);
  if (page.after !== undefined) query = query.where('key_id', '>', page.after);
  const rows = await query.execute();
  const found = rows.map((row) => ({
    keyId: row.key_id,
    name: row.name,
    role: row.role,
    createdAt: row.created_at.toISOString(),
  }));
  return pageOf(found, page.limit, (last) => last.keyId);
}

/** Ends a key; false when the merchant has no such key. */
export async function revokeKey(db: Db, merchantId: string, keyId: string): Promise<boolean> {
  const result = await db
    .updateTable('api_key')
    .set({ revoked_at: new Date() })
    .where('merchant_id', '=', merchantId)
    .where('key_id', '=', keyId)
    .where('revoked_at', 'is', null)
    .where('role', '<>', 'root')
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** Whom a presented key speaks for, looked up by its hash; undefined when nobody. */
export async function findKeyHolder(db: Db, key: string): Promise<KeyHolder | undefined> {
  const row = await db
    .selectFrom('api_key')
    .select(['merchant_id', 'key_id', 'role'])
    .where('key_hash', '=', hashKey(key))
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row === undefined
    ? undefined
    : { merchantId: row.merchant_id, keyId: row.key_id, role: row.role };
}

/**
 * Makes the instance's admin key on the first start and returns it, to be printed once; undefined
 * when there is one already. Two processes that start at once make one between them.
 */
export async function ensureAdminKey(db: Db): Promise<string | undefined> {
  return db.transaction().execute(async (tx) => {
    await tx
      .selectFrom('merchant')
      .select('merchant_id')
      .where('merchant_id', '=', defaultMerchantId)
      .forUpdate()
      .execute();
    const existing = await tx
      .selectFrom('api_key')
      .select('key_id')
      .where('merchant_id', '=', defaultMerchantId)
      .where('role', '=', 'root')
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    if (existing !== undefined) return undefined;
    const made = await createKey(tx, {
      merchantId: defaultMerchantId,
      name: 'admin',
      role: 'root',
    });
    return made.key;
  });
}

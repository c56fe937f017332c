import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import type { Refusal } from '../errors.ts';
import { judgeKey } from './judge-key.ts';

/** A request that is not one stock command, and the key it came with. */
export type ClaimRequest = {
  readonly merchantId: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly ttlSeconds: number;
  /** How long the first request may take before a repeat may try instead, in seconds. */
  readonly leaseSeconds?: number;
};

export type Claim =
  | { readonly kind: 'claimed'; readonly token: Date }
  | { readonly kind: 'replayed'; readonly answer: { status: number; body: string } }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * Takes a key for a request whose work is not one batch of the writer. The holder ends with
 * `keepAnswer` or `dropClaim`; a holder that dies loses the key after its lease.
 * Refusals: IDEMPOTENCY.KEY_REUSED, IDEMPOTENCY.IN_PROGRESS.
 */
export async function claimKey(db: Db, request: ClaimRequest): Promise<Claim> {
  const lease = request.leaseSeconds ?? 60;
  const inserted = await sql<{ created_at: Date }>`
    insert into idempotency_key as k (merchant_id, key, fingerprint, created_at, expires_at)
    values (${request.merchantId}, ${request.key}, ${request.fingerprint},
      date_trunc('milliseconds', clock_timestamp()),
      clock_timestamp() + ${lease} * interval '1 second')
    on conflict (merchant_id, key) do update
      set fingerprint = excluded.fingerprint, status = null, body = null,
          created_at = excluded.created_at, expires_at = excluded.expires_at
      where k.expires_at <= clock_timestamp()
    returning created_at`.execute(db);
  const token = inserted.rows[0]?.created_at;
  if (token !== undefined) return { kind: 'claimed', token };

  const row = await db
    .selectFrom('idempotency_key')
    .selectAll()
    .where('merchant_id', '=', request.merchantId)
    .where('key', '=', request.key)
    .executeTakeFirst();
  // Gone since: its holder dropped it. The caller's next try is the first.
  if (row === undefined) return claimKey(db, request);
  const answer = row.status === null ? undefined : { status: row.status, body: row.body ?? '' };
  const verdict = judgeKey(
    { fingerprint: row.fingerprint, answer, expiresAt: undefined },
    request.fingerprint,
    new Date(0),
  );
  if (verdict.kind === 'new') throw new Error('a stored key cannot be new');
  return verdict;
}

/** Stores the answer that every repeat gets. */
export async function keepAnswer(
  db: Db,
  request: ClaimRequest,
  token: Date,
  answer: { readonly status: number; readonly body: string },
): Promise<void> {
  await sql`
    update idempotency_key
    set status = ${answer.status}, body = ${answer.body},
        expires_at = clock_timestamp() + ${request.ttlSeconds} * interval '1 second'
    where merchant_id = ${request.merchantId} and key = ${request.key}
      and created_at = ${token}`.execute(db);
}

/** Gives the key back: the request was refused or failed, and a repeat may do better. */
export async function dropClaim(db: Db, request: ClaimRequest, token: Date): Promise<void> {
  await db
    .deleteFrom('idempotency_key')
    .where('merchant_id', '=', request.merchantId)
    .where('key', '=', request.key)
    .where('created_at', '=', token)
    .where('status', 'is', null)
    .execute();
}

/**
 * Deletes keys whose time is over, at most `limit` of them, and returns how many.
 * @param offsetMs moves the database's clock; 0 in production
 */
export async function deleteExpiredKeys(db: Db, limit: number, offsetMs = 0): Promise<number> {
  const result = await sql`
    delete from idempotency_key
    where ctid in (
      select ctid from idempotency_key
      where expires_at <= clock_timestamp() + ${offsetMs} * interval '1 millisecond'
      limit ${limit} for update skip locked)`.execute(db);
  return Number(result.numAffectedRows ?? 0);
}

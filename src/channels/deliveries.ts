import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import type { AttemptOutcome, DeliveryStatus } from './tables.ts';

export type AttemptView = {
  readonly attempt: number;
  readonly startedAt: string;
  readonly outcome: AttemptOutcome;
  readonly httpStatus: number | null;
  /** A stable word such as `timeout` or `http_500`; null when it succeeded. */
  readonly errorCode: string | null;
  /** From the record of the oldest change in it to the acknowledgement; null when it failed. */
  readonly lagMs: number | null;
  readonly durationMs: number;
};

/** The work of bringing some listings of a channel up to date. */
export type DeliveryView = {
  readonly deliveryId: string;
  readonly channelId: string;
  readonly status: DeliveryStatus;
  /** The pg-boss job behind it. */
  readonly jobId: string;
  /** Sent as `webhook-id` with the newest attempt. */
  readonly messageId: string | null;
  /** How many listings it is about. */
  readonly listings: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly attempts: readonly AttemptView[];
};

type DeliveryRow = {
  delivery_id: string;
  channel_id: string;
  status: DeliveryStatus;
  job_id: string;
  message_id: string | null;
  listings: number;
  created_at: Date;
  updated_at: Date;
};

type AttemptRow = {
  delivery_id: string;
  attempt: number;
  started_at: Date;
  outcome: AttemptOutcome;
  http_status: number | null;
  error_code: string | null;
  lag_ms: number | null;
  duration_ms: number;
};

export type DeliveryFilter = PageRequest & {
  readonly merchantId: string;
  readonly channelId?: string | undefined;
  readonly status?: DeliveryStatus | undefined;
};

/** Deliveries with their attempts, newest first. Finished ones are kept for 7 days. */
export async function listDeliveries(
  db: Db,
  filter: DeliveryFilter,
): Promise<PageOf<DeliveryView, string>> {
  const { merchantId, channelId, status, after, limit } = filter;
  const conditions = [sql`merchant_id = ${merchantId}`];
  if (channelId !== undefined) conditions.push(sql`channel_id = ${channelId}`);
  if (status !== undefined) conditions.push(sql`status = ${status}`);
  if (after !== undefined) conditions.push(sql`delivery_id < ${after}`);
  const { rows } = await sql<DeliveryRow>`
    select delivery_id, channel_id, status, job_id, message_id, listings, created_at, updated_at
    from delivery where ${sql.join(conditions, sql` and `)}
    order by delivery_id desc limit ${limit + 1}`.execute(db);
  const page = pageOf(rows, limit, (row) => row.delivery_id);
  const ids = page.items.map((row) => row.delivery_id);
  const attempts = await attemptsOf(db, merchantId, ids);
  const view = (row: DeliveryRow): DeliveryView => {
    return viewDelivery(row, attempts.get(row.delivery_id) ?? []);
  };
  return { ...page, items: page.items.map(view) };
}

/** What could not be delivered and still matters: nothing newer has reached the channel since. */
export function listDeadLetters(
  db: Db,
  filter: Omit<DeliveryFilter, 'status'>,
): Promise<PageOf<DeliveryView, string>> {
  return listDeliveries(db, { ...filter, status: 'dead' });
}

/** How many dead letters there are, over all merchants. */
export async function countDeadLetters(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from delivery where status = 'dead'`.execute(db);
  return rows[0]?.count ?? 0;
}

/**
 * Sends dead letters again: all, those of a channel, or those named. Their channel's leader takes
 * them up; figures that did not change keep their webhook-id. With `dryRun` only counts.
 * @returns how many dead letters
 */
export async function redriveDeadLetters(
  db: Db,
  input: {
    readonly merchantId: string;
    readonly channelId?: string | undefined;
    /** Delivery ids; those that are no dead letters are left alone. */
    readonly ids?: readonly string[] | undefined;
    readonly dryRun?: boolean | undefined;
  },
): Promise<{ readonly redriven: number }> {
  const { merchantId, channelId, ids } = input;
  const conditions = [sql`merchant_id = ${merchantId} and status = 'dead'`];
  if (channelId !== undefined) conditions.push(sql`channel_id = ${channelId}`);
  if (ids !== undefined) conditions.push(sql`delivery_id = any (${[...ids]}::text[])`);
  const where = sql.join(conditions, sql` and `);
  if (input.dryRun === true) {
    const { rows } = await sql<{ count: number }>`
      select count(*)::integer as count from delivery where ${where}`.execute(db);
    return { redriven: rows[0]?.count ?? 0 };
  }
  const { rows } = await sql`
    update delivery set status = 'redriving', updated_at = clock_timestamp()
    where ${where} returning delivery_id`.execute(db);
  return { redriven: rows.length };
}

/**
 * Deletes finished deliveries that are older than `keepDays`, with their attempts, at most `limit`
 * of them, and returns how many.
 */
export async function pruneDeliveries(db: Db, keepDays: number, limit: number): Promise<number> {
  const { rows } = await sql`
    with old as (
      delete from delivery where ctid = any (array(
        select ctid from delivery
        where created_at < clock_timestamp() - ${keepDays} * interval '1 day'
          and status not in ('retrying', 'dead', 'redriving')
        limit ${limit} for update skip locked))
      returning merchant_id, delivery_id
    ), attempts as (
      delete from delivery_attempt a using old
      where a.merchant_id = old.merchant_id and a.delivery_id = old.delivery_id
    )
    select delivery_id from old`.execute(db);
  return rows.length;
}

async function attemptsOf(
  db: Db,
  merchantId: string,
  deliveryIds: readonly string[],
): Promise<Map<string, AttemptView[]>> {
  const attempts = new Map<string, AttemptView[]>();
  if (deliveryIds.length === 0) return attempts;
  const { rows } = await sql<AttemptRow>`
    select delivery_id, attempt, started_at, outcome, http_status, error_code, lag_ms, duration_ms
    from delivery_attempt
    where merchant_id = ${merchantId} and delivery_id = any (${[...deliveryIds]}::text[])
    order by delivery_id, attempt`.execute(db);
  for (const row of rows) {
    const list = attempts.get(row.delivery_id) ?? [];
    list.push({
      attempt: row.attempt,
      startedAt: row.started_at.toISOString(),
      outcome: row.outcome,
      httpStatus: row.http_status,
      errorCode: row.error_code,
      lagMs: row.lag_ms,
      durationMs: row.duration_ms,
    });
    attempts.set(row.delivery_id, list);
  }
  return attempts;
}

function viewDelivery(row: DeliveryRow, attempts: readonly AttemptView[]): DeliveryView {
  return {
    deliveryId: row.delivery_id,
    channelId: row.channel_id,
    status: row.status,
    jobId: row.job_id,
    messageId: row.message_id,
    listings: row.listings,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    attempts,
  };
}

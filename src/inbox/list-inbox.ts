import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import type { WebhookStatus } from './tables.ts';

/** A webhook as it stands; its body is kept, and not shown. */
export type InboxView = {
  readonly channelId: string;
  readonly webhookId: string;
  readonly topic: string;
  readonly status: WebhookStatus;
  readonly attempts: number;
  /** Why it could not be worked; null when it was. */
  readonly errorCode: string | null;
  readonly receivedAt: string;
  readonly endedAt: string | null;
};

type Row = {
  channel_id: string;
  webhook_id: string;
  topic: string;
  status: WebhookStatus;
  attempts: number;
  error_code: string | null;
  received_at: Date;
  ended_at: Date | null;
};

/** Webhooks by channel and id. */
export async function listInbox(
  db: Db,
  filter: PageRequest<{ readonly channelId: string; readonly webhookId: string }> & {
    readonly merchantId: string;
    readonly channelId?: string | undefined;
    readonly status?: WebhookStatus | undefined;
  },
): Promise<PageOf<InboxView, { channelId: string; webhookId: string }>> {
  const { merchantId, channelId = null, status = null, after } = filter;
  const { rows } = await sql<Row>`
    select channel_id, webhook_id, topic, status, attempts, error_code, received_at, ended_at
    from inbox_webhook
    where merchant_id = ${merchantId}
      and (${channelId}::text is null or channel_id = ${channelId})
      and (${status}::text is null or status = ${status})
      and (channel_id, webhook_id) > (${after?.channelId ?? ''}, ${after?.webhookId ?? ''})
    order by channel_id, webhook_id limit ${filter.limit + 1}`.execute(db);
  const found = rows.map((row) => ({
    channelId: row.channel_id,
    webhookId: row.webhook_id,
    topic: row.topic,
    status: row.status,
    attempts: row.attempts,
    errorCode: row.error_code,
    receivedAt: row.received_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  }));
  return pageOf(found, filter.limit, (last) => last);
}

/**
 * Has a webhook worked again from its first attempt on; one that was done changes nothing then.
 * Refusals: WEBHOOK.NOT_FOUND.
 */
export async function replayWebhook(
  db: Db,
  key: { readonly merchantId: string; readonly channelId: string; readonly webhookId: string },
): Promise<Result<{ readonly replayed: true }>> {
  const { numAffectedRows } = await sql`
    update inbox_webhook
    set status = 'waiting', attempts = 0, unread = 0, error_code = null, ended_at = null,
        due_at = clock_timestamp()
    where merchant_id = ${key.merchantId} and channel_id = ${key.channelId}
      and webhook_id = ${key.webhookId}`.execute(db);
  return numAffectedRows === 0n
    ? refused(refuse('WEBHOOK.NOT_FOUND', 'There is no such webhook.', { ...key }))
    : ok({ replayed: true });
}

/** Deletes webhooks that ended long ago; those that wait for a person stay. */
export async function pruneInbox(db: Db, keepDays: number, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from inbox_webhook where ctid = any (array(
      select ctid from inbox_webhook
      where received_at < clock_timestamp() - ${keepDays} * interval '1 day'
        and status not in ('waiting', 'poison')
      limit ${limit}))`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

/** How many webhooks wait, how many are poison, and since when the oldest waits, in seconds. */
export async function countInbox(
  db: Db,
): Promise<{ waiting: number; poison: number; oldestSeconds: number }> {
  const { rows } = await sql<{ waiting: number; poison: number; oldest: number }>`
    select count(*) filter (where status = 'waiting')::integer as waiting,
      count(*) filter (where status = 'poison')::integer as poison,
      coalesce(date_part('epoch', clock_timestamp()
        - min(received_at) filter (where status = 'waiting')), 0) as oldest
    from inbox_webhook where status in ('waiting', 'poison')`.execute(db);
  const [row] = rows;
  return {
    waiting: row?.waiting ?? 0,
    poison: row?.poison ?? 0,
    oldestSeconds: row?.oldest ?? 0,
  };
}

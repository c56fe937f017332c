import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import type { AskingPlaces } from './asking-places.ts';

/** A webhook that a process took and did not end is due again after this time. */
export const takenForMs = 30_000;

/** A webhook that this process works. */
export type Taken = {
  merchant_id: string;
  channel_id: string;
  webhook_id: string;
  topic: string;
  headers: Record<string, string>;
  body: Buffer;
  /** All of them, this one too: by it a claim is known from those of others. */
  attempts: number;
  /** Those before in which the channel was away. */
  unread: number;
};

/** Takes webhooks that are due, oldest first, but for those that would wait for a place to ask. */
export async function claimWebhooks(db: Db, places: AskingPlaces, limit: number): Promise<Taken[]> {
  const full = places.full();
  const { rows } = await sql<Taken>`
    update inbox_webhook w
    set due_at = clock_timestamp() + ${takenForMs} * interval '1 millisecond',
        attempts = w.attempts + 1
    from (
      select merchant_id, channel_id, webhook_id from inbox_webhook
      where status = 'waiting' and due_at <= clock_timestamp()
        and (merchant_id, channel_id, topic) not in (
          select * from unnest(${full.map((one) => one.merchant_id)}::text[],
            ${full.map((one) => one.channel_id)}::text[], ${full.map((one) => one.topic)}::text[]))
      order by due_at limit ${limit} for update skip locked) d
    where w.merchant_id = d.merchant_id and w.channel_id = d.channel_id
      and w.webhook_id = d.webhook_id
    returning w.merchant_id, w.channel_id, w.webhook_id, w.topic, w.headers, w.body, w.attempts,
      w.unread
  `.execute(db);
  return rows;
}

/** Keeps a webhook for so long and the usual time. False: the claim has run out. */
export async function keepWebhook(db: Db, taken: Taken, ms: number): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update inbox_webhook
    set due_at = clock_timestamp() + ${ms + takenForMs} * interval '1 millisecond'
    where merchant_id = ${taken.merchant_id} and channel_id = ${taken.channel_id}
      and webhook_id = ${taken.webhook_id} and status = 'waiting'
      and attempts = ${taken.attempts}`.execute(db);
  return numAffectedRows !== 0n;
}

/** When webhooks that were not worked are due again, and why not before. */
export type Later = { readonly waitMs: number; readonly code?: string };

/** Gives webhooks back that were not worked: this was no attempt. */
export async function giveBack(
  db: Db,
  webhooks: readonly Taken[],
  { waitMs, code }: Later,
): Promise<void> {
  if (webhooks.length === 0) return;
  await sql`
    update inbox_webhook w
    set due_at = clock_timestamp() + ${waitMs} * interval '1 millisecond',
        attempts = w.attempts - 1, error_code = coalesce(${code ?? null}, w.error_code)
    from unnest(${webhooks.map((one) => one.merchant_id)}::text[],
        ${webhooks.map((one) => one.channel_id)}::text[],
        ${webhooks.map((one) => one.webhook_id)}::text[],
        ${webhooks.map((one) => one.attempts)}::integer[])
      as g (merchant_id, channel_id, webhook_id, attempts)
    where w.merchant_id = g.merchant_id and w.channel_id = g.channel_id
      and w.webhook_id = g.webhook_id and w.status = 'waiting'
      and w.attempts = g.attempts`.execute(db);
}

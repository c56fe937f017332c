import { sql } from 'kysely';
import type { PoolClient } from 'pg';
import { findChannel, type Adapters, type ListingIndex } from '../channels/index.ts';
import type { Db } from '../db/index.ts';
import type { TogetherOptions } from '../stock/index.ts';
import { applyOrder, OrderRefused, resolveBy, type OrderResult } from './apply-order.ts';
import { applyRefund } from './apply-refund.ts';
import type { WebhookStatus } from './tables.ts';
import { OrderNotRead, ordersToldBy, Untranslatable, type AskContext } from './told-orders.ts';

/** After so many attempts a webhook waits for a person. */
const mostAttempts = 8;
/**
 * While a channel is away nothing is wrong with its webhooks: they wait for about a day. So long do
 * vendors themselves repeat what is not taken.
 */
const mostUnread = 300;
const baseMs = 1_000;
const longestMs = 300_000;
/** A webhook that a process took and did not end is due again after this time. */
const takenForMs = 30_000;

export type InboxContext = AskContext & {
  readonly db: Db;
  readonly together: TogetherOptions;
  readonly adapters: Adapters;
  readonly listings: ListingIndex;
  readonly onWorked?: (what: { channelId: string; status: WebhookStatus | 'retry' }) => void;
};

type Taken = {
  merchant_id: string;
  channel_id: string;
  webhook_id: string;
  topic: string;
  headers: Record<string, string>;
  body: Buffer;
  /** All of them, this one too. */
  attempts: number;
  /** Those before in which the channel was away. */
  unread: number;
};

/**
 * Works webhooks that are due, oldest first.
 * @returns how many were worked: 0 when nothing is due
 */
export async function workInbox(context: InboxContext, limit: number): Promise<number> {
  const { rows } = await sql<Taken>`
    update inbox_webhook w
    set due_at = clock_timestamp() + ${takenForMs} * interval '1 millisecond',
        attempts = w.attempts + 1
    from (
      select merchant_id, channel_id, webhook_id from inbox_webhook
      where status = 'waiting' and due_at <= clock_timestamp()
      order by due_at limit ${limit} for update skip locked) d
    where w.merchant_id = d.merchant_id and w.channel_id = d.channel_id
      and w.webhook_id = d.webhook_id
    returning w.merchant_id, w.channel_id, w.webhook_id, w.topic, w.headers, w.body, w.attempts,
      w.unread
  `.execute(context.db);
  for (const taken of rows) await workOne(context, taken);
  return rows.length;
}

async function workOne(context: InboxContext, taken: Taken): Promise<void> {
  const { channel_id: channelId } = taken;
  try {
    const status = await work(context, taken);
    context.onWorked?.({ channelId, status });
  } catch (error) {
    const code = error instanceof OrderRefused ? error.code : codeOf(error);
    const isAway = error instanceof OrderNotRead && error.isAway;
    const tries = isAway ? taken.unread + 1 : taken.attempts - taken.unread;
    const isPoison = code === 'WEBHOOK.UNREADABLE' || tries >= (isAway ? mostUnread : mostAttempts);
    const backoffMs = Math.min(baseMs * 2 ** (tries - 1), longestMs);
    const askedMs = error instanceof OrderNotRead ? error.retryAfterMs : 0;
    const waitMs = Math.max(backoffMs, askedMs);
    await postpone(context.db, taken, { code, isPoison, isAway, waitMs });
    context.onWorked?.({ channelId, status: isPoison ? 'poison' : 'retry' });
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Untranslatable) return 'WEBHOOK.UNREADABLE';
  return error instanceof OrderNotRead ? 'ORDER.NOT_READ' : 'INTERNAL.FAULT';
}

async function work(context: InboxContext, taken: Taken): Promise<WebhookStatus> {
  // Also of a channel that was switched off since: it has been sold there all the same.
  const channel = await findChannel(context.db, taken.merchant_id, taken.channel_id);
  const adapter = channel === undefined ? undefined : context.adapters.get(channel.kind);
  if (channel === undefined || adapter?.translate === undefined) {
    await end(context.db, taken, 'ignored');
    return 'ignored';
  }
  const orders = await ordersToldBy(taken, adapter, channel, context);
  if (orders.length === 0) {
    await end(context.db, taken, 'ignored');
    return 'ignored';
  }
  let status: WebhookStatus = 'stale';
  for (const [index, order] of orders.entries()) {
    const key = {
      merchantId: taken.merchant_id,
      channelId: taken.channel_id,
      orderId: order.orderId,
    };
    const isLast = index === orders.length - 1;
    const also = async (client: PoolClient, result: OrderResult): Promise<void> => {
      if (result === 'done') status = 'done';
      if (isLast) await endIn(client, taken, status);
    };
    const resolve = resolveBy(context.listings, channel, adapter);
    if (order.kind === 'refund') await applyRefund(context.together, key, order, also);
    else await applyOrder(context.together, key, order, resolve, also);
  }
  return status;
}

async function end(db: Db, taken: Taken, status: WebhookStatus): Promise<void> {
  await sql`
    update inbox_webhook
    set status = ${status}, ended_at = clock_timestamp(), error_code = null
    where merchant_id = ${taken.merchant_id} and channel_id = ${taken.channel_id}
      and webhook_id = ${taken.webhook_id} and status = 'waiting'`.execute(db);
}

/** The same, in the transaction of the stock that the webhook changed. */
async function endIn(client: PoolClient, taken: Taken, status: WebhookStatus): Promise<void> {
  await client.query(
    `update inbox_webhook set status = $4, ended_at = clock_timestamp(), error_code = null
     where merchant_id = $1 and channel_id = $2 and webhook_id = $3 and status = 'waiting'`,
    [taken.merchant_id, taken.channel_id, taken.webhook_id, status],
  );
}

type Postponement = {
  readonly code: string;
  readonly isPoison: boolean;
  readonly isAway: boolean;
  readonly waitMs: number;
};

async function postpone(db: Db, taken: Taken, how: Postponement): Promise<void> {
  const { code, isPoison, isAway, waitMs } = how;
  await sql`
    update inbox_webhook
    set status = ${isPoison ? 'poison' : 'waiting'}, error_code = ${code},
        unread = unread + ${isAway ? 1 : 0},
        due_at = clock_timestamp() + ${waitMs} * interval '1 millisecond',
        ended_at = case when ${isPoison} then clock_timestamp() end
    where merchant_id = ${taken.merchant_id} and channel_id = ${taken.channel_id}
      and webhook_id = ${taken.webhook_id} and status = 'waiting'`.execute(db);
  if (isAway) await postponeOthers(db, taken, waitMs);
}

/**
 * One webhook's try is enough to know that its channel is still away: the others that found it so
 * wait along. Else a day's orders, each with the channel's timeout, would keep the inbox of every
 * other channel waiting.
 */
async function postponeOthers(db: Db, taken: Taken, waitMs: number): Promise<void> {
  await sql`
    update inbox_webhook w
    set due_at = clock_timestamp() + ${waitMs} * interval '1 millisecond'
    from (
      select webhook_id from inbox_webhook
      where merchant_id = ${taken.merchant_id} and channel_id = ${taken.channel_id}
        and status = 'waiting' and unread > 0
        and due_at < clock_timestamp() + ${waitMs} * interval '1 millisecond'
      for update skip locked) o
    where w.merchant_id = ${taken.merchant_id} and w.channel_id = ${taken.channel_id}
      and w.webhook_id = o.webhook_id`.execute(db);
}

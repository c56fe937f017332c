import { sql } from 'kysely';
import type { PoolClient } from 'pg';
import {
  findChannelsById,
  type Adapters,
  type ChannelAdapter,
  type ChannelRow,
  type InboundEvent,
  type ListingIndex,
} from '../channels/index.ts';
import type { Db } from '../db/index.ts';
import type { TogetherOptions } from '../stock/index.ts';
import { applyOrder, OrderRefused, resolveBy, type OrderEvent } from './apply-order.ts';
import type { WebhookStatus } from './tables.ts';

/** After so many attempts a webhook waits for a person. */
const mostAttempts = 8;
const baseMs = 1_000;
const longestMs = 300_000;
/** A webhook that a process took and did not end is due again after this time. */
const takenForMs = 30_000;

export type InboxContext = {
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
  attempts: number;
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
    returning w.merchant_id, w.channel_id, w.webhook_id, w.topic, w.headers, w.body, w.attempts
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
    const isPoison = taken.attempts >= mostAttempts;
    await postpone(context.db, taken, code, isPoison);
    context.onWorked?.({ channelId, status: isPoison ? 'poison' : 'retry' });
  }
}

/** A body that is not what its topic promises will not become so: it is poison at once. */
class Untranslatable extends Error {}

function codeOf(error: unknown): string {
  return error instanceof Untranslatable ? 'WEBHOOK.UNREADABLE' : 'INTERNAL.FAULT';
}

async function work(context: InboxContext, taken: Taken): Promise<WebhookStatus> {
  const [channel] = await findChannelsById(context.db, taken.channel_id, taken.merchant_id);
  const adapter = channel === undefined ? undefined : context.adapters.get(channel.kind);
  if (channel === undefined || adapter?.translate === undefined) {
    await end(context.db, taken, 'ignored');
    return 'ignored';
  }
  const orders = eventsOf(adapter, channel, taken).filter(isOrder);
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
    const resolve = resolveBy(context.listings, channel, adapter);
    await applyOrder(context.together, key, order, resolve, async (client, result) => {
      if (result === 'done') status = 'done';
      if (isLast) await endIn(client, taken, status);
    });
  }
  return status;
}

function eventsOf(
  adapter: ChannelAdapter,
  channel: ChannelRow,
  { topic, headers, body }: Taken,
): readonly InboundEvent[] {
  try {
    return adapter.translate?.(topic, { headers, body }, channel.config) ?? [];
  } catch (cause) {
    throw new Untranslatable('the webhook cannot be read', { cause });
  }
}

function isOrder(event: InboundEvent): event is OrderEvent {
  return event.kind === 'order';
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

async function postpone(db: Db, taken: Taken, code: string, isPoison: boolean): Promise<void> {
  const isFinal = isPoison || code === 'WEBHOOK.UNREADABLE';
  const waitMs = Math.min(baseMs * 2 ** (taken.attempts - 1), longestMs);
  await sql`
    update inbox_webhook
    set status = ${isFinal ? 'poison' : 'waiting'}, error_code = ${code},
        due_at = clock_timestamp() + ${waitMs} * interval '1 millisecond',
        ended_at = case when ${isFinal} then clock_timestamp() end
    where merchant_id = ${taken.merchant_id} and channel_id = ${taken.channel_id}
      and webhook_id = ${taken.webhook_id} and status = 'waiting'`.execute(db);
}

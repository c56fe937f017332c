import { sql } from 'kysely';
import type { PoolClient } from 'pg';
import {
  findChannel,
  type Adapters,
  type ChannelRow,
  type ListingIndex,
} from '../channels/index.ts';
import type { Db } from '../db/index.ts';
import type { TogetherOptions } from '../stock/index.ts';
import { applyOrder, OrderRefused, resolveBy, type OrderResult } from './apply-order.ts';
import { applyRefund } from './apply-refund.ts';
import type { AskingPlaces } from './asking-places.ts';
import {
  claimWebhooks,
  giveBack,
  keepWebhook,
  takenForMs,
  type Later,
  type Taken,
} from './claim-webhooks.ts';
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

export type InboxContext = AskContext & {
  readonly db: Db;
  readonly together: TogetherOptions;
  readonly adapters: Adapters;
  readonly listings: ListingIndex;
  readonly onWorked?: (what: { channelId: string; status: WebhookStatus | 'retry' }) => void;
};

/**
 * Works webhooks that are due, oldest first. Of a channel that does not answer one is asked for:
 * those like it wait along, and those of others do not wait for it.
 * @returns how many were taken: 0 when nothing is due
 */
export async function workInbox(
  context: InboxContext,
  places: AskingPlaces,
  limit: number,
): Promise<number> {
  const { db } = context;
  const rows = await claimWebhooks(db, places, limit);
  const takenAt = performance.now();
  let open: readonly Taken[] = rows;
  for (let [taken] = open; taken !== undefined; [taken] = open) {
    // Somebody was asked meanwhile, and took long: others may have taken what is left.
    if (performance.now() - takenAt > takenForMs / 2) {
      await giveBack(db, open, { waitMs: 0 });
      break;
    }
    const later = await workOne(context, places, taken);
    open = open.slice(1);
    if (later === undefined) continue;
    const left = open.filter((other) => isLike(other, taken));
    await giveBack(db, left, later);
    open = open.filter((other) => !left.includes(other));
  }
  return rows.length;
}

/** Whether the order of another webhook would be asked for in vain, as this one's was. */
function isLike(other: Taken, taken: Taken): boolean {
  const isOfChannel =
    other.merchant_id === taken.merchant_id && other.channel_id === taken.channel_id;
  return isOfChannel && (other.unread > 0 || other.topic === taken.topic);
}

/** @returns when others like it are due; undefined: now */
async function workOne(
  context: InboxContext,
  places: AskingPlaces,
  taken: Taken,
): Promise<Later | undefined> {
  const { channel_id: channelId } = taken;
  const asker = new Asker(context, places, taken);
  try {
    const status = await work(context, asker, taken);
    context.onWorked?.({ channelId, status });
    return undefined;
  } catch (error) {
    if (error instanceof NotAsked) {
      const later = { waitMs: 0 };
      await giveBack(context.db, [taken], later);
      return later;
    }
    const code = error instanceof OrderRefused ? error.code : codeOf(error);
    const isAway = error instanceof OrderNotRead && error.isAway;
    const tries = isAway ? taken.unread + 1 : taken.attempts - taken.unread;
    const isPoison = code === 'WEBHOOK.UNREADABLE' || tries >= (isAway ? mostUnread : mostAttempts);
    const backoffMs = Math.min(baseMs * 2 ** (tries - 1), longestMs);
    const askedMs = error instanceof OrderNotRead ? error.retryAfterMs : 0;
    const waitMs = Math.max(backoffMs, askedMs);
    await postpone(context.db, taken, { code, isPoison, isAway, waitMs });
    context.onWorked?.({ channelId, status: isPoison ? 'poison' : 'retry' });
    return isAway ? { waitMs, code } : undefined;
  } finally {
    // Not before those like it wait along: others would ask the channel in vain meanwhile.
    asker.leave();
  }
}

/** There was no place to ask the channel, or the webhook is somebody else's by now. */
class NotAsked extends Error {}

/** A webhook's place to ask its channel: from its first question until it is settled. */
class Asker {
  readonly #context: InboxContext;
  readonly #places: AskingPlaces;
  readonly #taken: Taken;
  #hasPlace = false;

  constructor(context: InboxContext, places: AskingPlaces, taken: Taken) {
    this.#context = context;
    this.#places = places;
    this.#taken = taken;
  }

  /** Asks, for as long as the channel may take. */
  async ask<Answer>(channel: ChannelRow, ask: () => Promise<Answer>): Promise<Answer> {
    this.#hasPlace ||= this.#places.take(this.#taken);
    if (!this.#hasPlace) throw new NotAsked();
    const isOurs = await keepWebhook(this.#context.db, this.#taken, channel.timeout_ms);
    if (!isOurs) throw new NotAsked();
    return await ask();
  }

  leave(): void {
    if (this.#hasPlace) this.#places.leave(this.#taken);
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Untranslatable) return 'WEBHOOK.UNREADABLE';
  return error instanceof OrderNotRead ? 'ORDER.NOT_READ' : 'INTERNAL.FAULT';
}

async function work(context: InboxContext, asker: Asker, taken: Taken): Promise<WebhookStatus> {
  // Also of a channel that was switched off since: it has been sold there all the same.
  const channel = await findChannel(context.db, taken.merchant_id, taken.channel_id);
  const adapter = channel === undefined ? undefined : context.adapters.get(channel.kind);
  if (channel === undefined || adapter?.translate === undefined) {
    await end(context.db, taken, 'ignored');
    return 'ignored';
  }
  const orders = await ordersToldBy(taken, adapter, channel, context, (ask) =>
    asker.ask(channel, ask),
  );
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
 * wait along, and so do those of its topic, which would ask for the same. Else a day's orders, each
 * with the channel's timeout, would keep the inbox of every other channel waiting.
 */
async function postponeOthers(db: Db, taken: Taken, waitMs: number): Promise<void> {
  await sql`
    update inbox_webhook w
    set due_at = clock_timestamp() + ${waitMs} * interval '1 millisecond',
        error_code = 'ORDER.NOT_READ'
    from (
      select webhook_id from inbox_webhook
      where merchant_id = ${taken.merchant_id} and channel_id = ${taken.channel_id}
        and status = 'waiting' and (unread > 0 or topic = ${taken.topic})
        and due_at < clock_timestamp() + ${waitMs} * interval '1 millisecond'
      for update skip locked) o
    where w.merchant_id = ${taken.merchant_id} and w.channel_id = ${taken.channel_id}
      and w.webhook_id = o.webhook_id`.execute(db);
}

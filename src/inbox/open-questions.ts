import { sql } from 'kysely';
import { findChannel } from '../channels/index.ts';
import type { Db } from '../db/index.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import { applyOrder, OrderRefused, resolveBy, type OrderStatus } from './apply-order.ts';
import { countedRefunds, uncountedUnits, type Refunds } from './refunds.ts';
import type { InboxContext } from './work-inbox.ts';

/** A line of a channel's order of which nobody knows the level. */
export type OpenQuestion = {
  readonly channelId: string;
  readonly orderId: string;
  readonly lineId: string;
  /** As the channel names it. */
  readonly listingKey: string | null;
  readonly channelSku: string | null;
  readonly place: string | null;
  readonly quantity: number;
};

type Key = { readonly channelId: string; readonly orderId: string; readonly lineId: string };

type Row = {
  channel_id: string;
  order_id: string;
  line_id: string;
  listing_key: string | null;
  channel_sku: string | null;
  place: string | null;
  wanted: number;
};

/** How many lines wait for an answer, over all merchants. */
export async function countQuestions(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count
    from inbound_line l
    join inbound_order o using (merchant_id, channel_id, order_id)
    where l.sku is null and l.wanted > 0 and o.status <> 'cancelled'`.execute(db);
  return rows[0]?.count ?? 0;
}

/** Lines that wait for an answer, by channel, order and line. */
export async function listOpenQuestions(
  db: Db,
  filter: PageRequest<Key> & {
    readonly merchantId: string;
    readonly channelId?: string | undefined;
  },
): Promise<PageOf<OpenQuestion, Key>> {
  const { merchantId, channelId = null, after } = filter;
  const { rows } = await sql<Row>`
    select l.channel_id, l.order_id, l.line_id, l.listing_key, l.channel_sku, l.place, l.wanted
    from inbound_line l
    join inbound_order o using (merchant_id, channel_id, order_id)
    where l.merchant_id = ${merchantId} and l.sku is null and l.wanted > 0
      and o.status <> 'cancelled'
      and (${channelId}::text is null or l.channel_id = ${channelId})
      and (l.channel_id, l.order_id, l.line_id)
        > (${after?.channelId ?? ''}, ${after?.orderId ?? ''}, ${after?.lineId ?? ''})
    order by l.channel_id, l.order_id, l.line_id limit ${filter.limit + 1}`.execute(db);
  const found = rows.map((row) => ({
    channelId: row.channel_id,
    orderId: row.order_id,
    lineId: row.line_id,
    listingKey: row.listing_key,
    channelSku: row.channel_sku,
    place: row.place,
    quantity: row.wanted,
  }));
  return pageOf(found, filter.limit, (last) => last);
}

type Answer = { readonly storeId: string; readonly sku: string };

/**
 * Says which level a line is about, and applies its order again. The mapping is this line's alone:
 * for the lines to come, say it with a listing.
 * Refusals: QUESTION.NOT_FOUND; STORE.NOT_FOUND, STOCK.OUT_OF_RANGE.
 */
export async function answerQuestion(
  context: InboxContext,
  key: Key & { readonly merchantId: string },
  answer: Answer,
): Promise<Result<{ readonly applied: true }>> {
  return await rework(context, key, (lineId) => (lineId === key.lineId ? answer : undefined));
}

/** Applies orders with open questions again, with the listings as they are now. */
export async function retryQuestions(
  context: InboxContext,
  merchantId: string,
  channelId: string,
): Promise<{ readonly orders: number }> {
  const { rows } = await sql<{ order_id: string; line_id: string }>`
    select order_id, min(line_id) as line_id from inbound_line
    where merchant_id = ${merchantId} and channel_id = ${channelId} and sku is null and wanted > 0
    group by order_id order by order_id limit 10000`.execute(context.db);
  for (const { order_id: orderId, line_id: lineId } of rows) {
    await rework(context, { merchantId, channelId, orderId, lineId }, () => undefined);
  }
  return { orders: rows.length };
}

type OrderRow = {
  revision: number;
  progress: number;
  status: OrderStatus;
  occurred_at: Date;
  refunds: Refunds;
};

async function rework(
  context: InboxContext,
  key: Key & { readonly merchantId: string },
  answerOf: (lineId: string) => Answer | undefined,
): Promise<Result<{ readonly applied: true }>> {
  const { merchantId, channelId, orderId } = key;
  const { rows } = await sql<Row & OrderRow>`
    select l.*, o.revision, o.progress, o.status, o.occurred_at, o.refunds from inbound_order o
    join inbound_line l using (merchant_id, channel_id, order_id)
    where o.merchant_id = ${merchantId} and o.channel_id = ${channelId}
      and o.order_id = ${orderId}
    order by l.line_id`.execute(context.db);
  const [order] = rows;
  const channel = await findChannel(context.db, merchantId, channelId);
  const adapter = channel === undefined ? undefined : context.adapters.get(channel.kind);
  const isAsked = rows.some((row) => row.line_id === key.lineId);
  if (order === undefined || channel === undefined || adapter === undefined || !isAsked) {
    return refused(refuse('QUESTION.NOT_FOUND', 'There is no such question.'));
  }
  const resolve = resolveBy(context.listings, channel, adapter);
  // Applied as the channel told it: refunds that came by themselves are taken off again.
  const refunded = uncountedUnits(order.refunds);
  try {
    await applyOrder(
      context.together,
      { merchantId, channelId, orderId },
      {
        kind: 'order',
        orderId,
        status: order.status,
        revision: order.revision,
        progress: order.progress,
        refundIds: countedRefunds(order.refunds),
        occurredAt: order.occurred_at,
        lines: rows.map((row) => ({
          lineId: row.line_id,
          listingKey: row.listing_key,
          sku: row.channel_sku,
          locationId: row.place,
          quantity: row.wanted + (refunded.get(row.line_id) ?? 0),
        })),
      },
      async (line) => answerOf(line.lineId) ?? (await resolve(line)),
      async () => undefined,
    );
  } catch (error) {
    if (!(error instanceof OrderRefused)) throw error;
    return refused(refuse(error.code, 'The order could not be applied.'));
  }
  return ok({ applied: true });
}

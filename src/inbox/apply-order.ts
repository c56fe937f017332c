import type { PoolClient } from 'pg';
import {
  type ChannelAdapter,
  type ChannelRow,
  type InboundEvent,
  type InboundLine,
  type ListingIndex,
} from '../channels/index.ts';
import { changeTogether, type TogetherOptions } from '../stock/index.ts';
import { orderCommand, type LineChange } from './order-command.ts';
import { mergeLines, readLines, writeLines, type OrderKey, type OrderLine } from './order-lines.ts';

export type OrderEvent = Extract<InboundEvent, { kind: 'order' }>;

/** What became of an order's state: taken, or something newer was known. */
export type OrderResult = 'done' | 'stale';

/** An order that stock cannot be brought to, with the refusal's code. */
export class OrderRefused extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`the order was refused: ${code}`);
    this.name = 'OrderRefused';
    this.code = code;
  }
}

/**
 * Brings stock to the state of an order, in one transaction with what is kept of it. The same state
 * again changes nothing but lines that were open questions; an older one changes nothing. Lines
 * whose level nobody knows are kept as open questions, the others are applied.
 * Throws `OrderRefused` where a store is unknown or a figure would be too large.
 */
export async function applyOrder(
  options: TogetherOptions,
  key: OrderKey,
  event: OrderEvent,
  resolve: (line: InboundLine) => Promise<OrderLine['level']>,
  also: (client: PoolClient, result: OrderResult) => Promise<void>,
): Promise<OrderResult> {
  const wanted = await Promise.all(
    mergeLines(event.lines).map(async (line) => ({ line, level: await resolve(line) })),
  );
  return await changeTogether(options, async (transaction) => {
    const { client } = transaction;
    const isNewest = await takeState(client, key, event);
    if (!isNewest) {
      await also(client, 'stale');
      return 'stale';
    }
    const changes = changesOf(await readLines(client, key), wanted);
    const command = orderCommand(key, event.status, event.occurredAt, changes);
    const desk = await transaction.read(command.levelKeys);
    const outcome = desk.run(command);
    if (outcome.kind === 'refused') throw new OrderRefused(outcome.refusal.code);
    await writeLines(client, key, command.lines);
    await also(client, 'done');
    return 'done';
  });
}

/** Locks the order and takes its state over, unless a newer one is there. */
async function takeState(client: PoolClient, key: OrderKey, event: OrderEvent): Promise<boolean> {
  const { merchantId, channelId, orderId } = key;
  const { rowCount } = await client.query(
    `insert into inbound_order as o (merchant_id, channel_id, order_id, revision, status,
       occurred_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, clock_timestamp())
     on conflict (merchant_id, channel_id, order_id) do update
       set revision = excluded.revision, status = excluded.status,
           occurred_at = excluded.occurred_at, updated_at = excluded.updated_at
       where o.revision <= excluded.revision`,
    [merchantId, channelId, orderId, event.revision, event.status, event.occurredAt],
  );
  return rowCount === 1;
}

/** What is there against what is wanted; a line that is gone from the order is wanted no more. */
function changesOf(
  before: readonly OrderLine[],
  wanted: readonly { line: InboundLine; level: OrderLine['level'] }[],
): LineChange[] {
  const known = new Map(before.map((line) => [line.lineId, line]));
  const changes: LineChange[] = wanted.map(({ line, level }) => {
    const old = known.get(line.lineId);
    known.delete(line.lineId);
    return {
      before: old,
      after: {
        lineId: line.lineId,
        listingKey: line.listingKey,
        channelSku: line.sku,
        place: line.locationId,
        wanted: line.quantity,
        // What was applied once stays where it was, whatever the mapping says now.
        level: old?.level ?? level,
        held: 0,
        sold: 0,
      },
    };
  });
  for (const old of known.values()) changes.push({ before: old, after: { ...old, wanted: 0 } });
  return changes;
}

/** Finds levels by the channel's listings. */
export function resolveBy(index: ListingIndex, channel: ChannelRow, adapter: ChannelAdapter) {
  return (line: InboundLine): Promise<OrderLine['level']> => index.find(channel, adapter, line);
}

export type { OrderStatus } from './order-command.ts';

import type { PoolClient } from 'pg';
import {
  type ChannelAdapter,
  type ChannelRow,
  type InboundEvent,
  type InboundLine,
  type ListingIndex,
} from '../channels/index.ts';
import { changeTogether, type StockTransaction, type TogetherOptions } from '../stock/index.ts';
import { orderCommand, type LineChange } from './order-command.ts';
import { mergeLines, readLines, writeLines, type OrderKey, type OrderLine } from './order-lines.ts';
import { refundsAfter, uncountedUnits, writeRefunds, type Refunds } from './refunds.ts';

export type OrderEvent = Extract<InboundEvent, { kind: 'order' }>;

/** What became of an order's state: taken, or something newer was known. */
export type OrderResult = 'done' | 'stale';

/** What an order goes through, from first to last. */
const statusOrder: readonly OrderEvent['status'][] = ['pending', 'confirmed', 'cancelled'];

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
    const known = await takeState(client, key, event);
    if (known === undefined) {
      await also(client, 'stale');
      return 'stale';
    }
    const refunds = refundsAfter(known, event.refundIds);
    if (Object.keys(refunds).length > 0) await writeRefunds(client, key, refunds);
    const left = lessRefunded(wanted, uncountedUnits(refunds));
    const changes = changesOf(await readLines(client, key), left);
    await changeLines(transaction, key, event, changes);
    await also(client, 'done');
    return 'done';
  });
}

/** Brings stock to what the lines of an order want now, and keeps them. Throws `OrderRefused`. */
export async function changeLines(
  transaction: StockTransaction,
  key: OrderKey,
  { status, occurredAt }: Pick<OrderEvent, 'status' | 'occurredAt'>,
  changes: readonly LineChange[],
): Promise<void> {
  const command = orderCommand(key, status, occurredAt, changes);
  const desk = await transaction.read(command.levelKeys);
  const outcome = desk.run(command);
  if (outcome.kind === 'refused') throw new OrderRefused(outcome.refusal.code);
  await writeLines(transaction.client, key, command.lines);
}

/**
 * Locks the order and takes its state over, unless a newer one is there. Of two with one revision,
 * such as two of one second, the one that has come further is newer: orders do not go back.
 * @returns what was known of its refunds; undefined when something newer is there
 */
async function takeState(
  client: PoolClient,
  key: OrderKey,
  event: OrderEvent,
): Promise<Refunds | undefined> {
  const { merchantId, channelId, orderId } = key;
  const { revision, progress = 0, status, occurredAt } = event;
  const { rows } = await client.query<{ refunds: Refunds }>(
    `insert into inbound_order as o (merchant_id, channel_id, order_id, revision, progress,
       status, occurred_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
     on conflict (merchant_id, channel_id, order_id) do update
       set revision = excluded.revision, progress = excluded.progress,
           status = excluded.status, occurred_at = excluded.occurred_at,
           updated_at = excluded.updated_at
       where (o.revision, array_position($8::text[], o.status), o.progress)
         <= (excluded.revision, array_position($8::text[], excluded.status), excluded.progress)
     returning o.refunds`,
    [merchantId, channelId, orderId, revision, progress, status, occurredAt, statusOrder],
  );
  return rows[0]?.refunds;
}

type WantedLine = { readonly line: InboundLine; readonly level: OrderLine['level'] };

function lessRefunded(
  wanted: readonly WantedLine[],
  refunded: ReadonlyMap<string, number>,
): readonly WantedLine[] {
  return wanted.map(({ line, level }) => {
    const quantity = Math.max(line.quantity - (refunded.get(line.lineId) ?? 0), 0);
    return { line: { ...line, quantity }, level };
  });
}

/** What is there against what is wanted; a line that is gone from the order is wanted no more. */
function changesOf(before: readonly OrderLine[], wanted: readonly WantedLine[]): LineChange[] {
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

import type { PoolClient } from 'pg';
import type { InboundEvent } from '../channels/index.ts';
import { changeTogether, type TogetherOptions } from '../stock/index.ts';
import { changeLines, type OrderResult } from './apply-order.ts';
import type { OrderStatus } from './order-command.ts';
import { readLines, type OrderKey } from './order-lines.ts';
import { writeRefunds, type Refunds } from './refunds.ts';

export type RefundEvent = Extract<InboundEvent, { kind: 'refund' }>;

/**
 * Gives back what a refund put back to stock, once, unless a state of the order has told of it. One
 * of an order that nobody has told of yet is kept until the order comes.
 * Throws `OrderRefused` where a figure would be too large.
 */
export async function applyRefund(
  options: TogetherOptions,
  key: OrderKey,
  event: RefundEvent,
  also: (client: PoolClient, result: OrderResult) => Promise<void>,
): Promise<OrderResult> {
  return await changeTogether(options, async (transaction) => {
    const { client } = transaction;
    const { status, refunds } = await lockOrder(client, key, event.occurredAt);
    if (Object.hasOwn(refunds, event.refundId)) {
      await also(client, 'stale');
      return 'stale';
    }
    const units = unitsOf(event);
    await writeRefunds(client, key, { ...refunds, [event.refundId]: Object.fromEntries(units) });
    const changes = (await readLines(client, key)).flatMap((before) => {
      const quantity = units.get(before.lineId);
      if (quantity === undefined) return [];
      return [{ before, after: { ...before, wanted: Math.max(before.wanted - quantity, 0) } }];
    });
    await changeLines(transaction, key, { status, occurredAt: event.occurredAt }, changes);
    await also(client, 'done');
    return 'done';
  });
}

/** Locks the order. One that is not known is begun, older than each state that may come. */
async function lockOrder(
  client: PoolClient,
  { merchantId, channelId, orderId }: OrderKey,
  occurredAt: Date,
): Promise<{ readonly status: OrderStatus; readonly refunds: Refunds }> {
  const { rows } = await client.query<{ status: OrderStatus; refunds: Refunds }>(
    `insert into inbound_order as o (merchant_id, channel_id, order_id, revision, status,
       occurred_at, updated_at)
     values ($1, $2, $3, '-infinity', 'pending', $4, clock_timestamp())
     on conflict (merchant_id, channel_id, order_id) do update
       set updated_at = excluded.updated_at
     returning o.status, o.refunds`,
    [merchantId, channelId, orderId, occurredAt],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the order was not locked');
  return row;
}

function unitsOf({ lines }: RefundEvent): ReadonlyMap<string, number> {
  const units = new Map<string, number>();
  for (const { lineId, quantity } of lines) {
    units.set(lineId, (units.get(lineId) ?? 0) + quantity);
  }
  return units;
}

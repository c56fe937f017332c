import type { PoolClient } from 'pg';
import type { OrderKey } from './order-lines.ts';

/**
 * The refunds that are known of an order, by id: the units by line that its newest state does not
 * count yet. One that the state counts has none, and is known all the same: it may be told again.
 */
export type Refunds = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** What is known once a state was taken that counts these refunds; absent: all that are known. */
export function refundsAfter(known: Refunds, counted: readonly string[] | undefined): Refunds {
  const ids = counted ?? Object.keys(known);
  return { ...known, ...Object.fromEntries(ids.map((id) => [id, {}])) };
}

/** Units by line that were refunded, and that the order's state does not count. */
export function uncountedUnits(refunds: Refunds): ReadonlyMap<string, number> {
  const units = new Map<string, number>();
  for (const [lineId, quantity] of Object.values(refunds).flatMap(Object.entries<number>)) {
    units.set(lineId, (units.get(lineId) ?? 0) + quantity);
  }
  return units;
}

/** Those refunds that the order's state counts. */
export function countedRefunds(refunds: Refunds): readonly string[] {
  return Object.keys(refunds).filter((id) => Object.keys(refunds[id] ?? {}).length === 0);
}

/** Writes down what is known of an order's refunds; the order is locked. */
export async function writeRefunds(
  client: PoolClient,
  { merchantId, channelId, orderId }: OrderKey,
  refunds: Refunds,
): Promise<void> {
  await client.query(
    `update inbound_order set refunds = $4
     where merchant_id = $1 and channel_id = $2 and order_id = $3`,
    [merchantId, channelId, orderId, JSON.stringify(refunds)],
  );
}

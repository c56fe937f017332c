import type { OrderKind, ReplayOrder } from './order.ts';

/** What adds stock comes first, what takes available stock last. */
const rank: Record<OrderKind, number> = { cancellation: 0, correction: 1, sale: 2 };

/**
 * Cuts the orders, in their order, into waves that are decided together. Within a wave stock only
 * gets less for what may be refused: cancellations, then corrections, then sales. So an order that
 * was refused and whose refusal was not written down before a crash is refused again when the wave
 * is run once more, whatever of the wave was applied.
 *
 * @param size the most orders in a wave
 */
export async function* inWaves(
  orders: AsyncIterable<ReplayOrder>,
  size: number,
): AsyncGenerator<readonly ReplayOrder[]> {
  let wave: ReplayOrder[] = [];
  for await (const order of orders) {
    const last = wave.at(-1);
    const addsStock = last !== undefined && rank[order.kind] < rank[last.kind];
    if (wave.length >= size || addsStock) {
      yield wave;
      wave = [];
    }
    wave.push(order);
  }
  if (wave.length > 0) yield wave;
}

import type { Pool } from 'pg';
import {
  cancelOrder,
  commitReservation,
  createReservation,
  expireReservation,
  extendReservation,
  releaseReservation,
} from '../../src/reservations/index.ts';
import type { Command, Outcome, StockWriter } from '../../src/stock/index.ts';
import { adjust, count, merchantId, type TestWriter } from '../support/stock.ts';

/** Every kind of change once or more, over the SKUs `lamp`, `vase` and `rug`. */
export async function runMixedCommands({ writer, clock }: TestWriter): Promise<void> {
  // Two hours ago, so that what was held for one hour has ended by now.
  clock.offsetMs = -7_200_000;
  await apply(writer, count('lamp', 40), count('vase', 12), count('rug', 5));
  await apply(writer, adjust('lamp', -3), adjust('vase', 2, { quantity: 'unavailable' }));
  const sold = await reserve(writer, 'order-1', { lamp: 2, vase: 1 });
  await apply(writer, commitReservation({ merchantId, reservationId: sold, actor: null }, 'never'));
  await apply(writer, cancelOrder({ ...order('order-1'), sourceChannel: null, occurredAt: null }));
  const released = await reserve(writer, 'order-2', { lamp: 4 });
  await apply(writer, releaseReservation({ merchantId, reservationId: released, actor: null }));
  const extended = await reserve(writer, 'order-3', { vase: 3 });
  await apply(writer, extendReservation({ ...order('order-3'), reservationId: extended }, 86_400));
  const expired = await reserve(writer, 'order-4', { rug: 1 });
  await reserve(writer, 'order-5', { rug: 2 });
  // Both have ended; the sweep finds one of them, and the other is free all the same.
  clock.offsetMs = 0;
  await apply(writer, expireReservation({ merchantId, reservationId: expired, actor: 'onhand' }));
  await apply(writer, adjust('rug', -5), adjust('vase', -1, { quantity: 'unavailable' }));
  await reserve(writer, 'order-6', { lamp: 20 });
  // A count finds less than is held: oversold, which is no fault.
  await apply(writer, count('lamp', 7));
}

/** A channel that was told everything, but for one listing that is on its way and one that died. */
export async function connectChannel(pool: Pool): Promise<void> {
  await pool.query(
    `insert into channel (merchant_id, channel_id, kind, config, mode, timeout_ms, enabled, queue,
       selects_all, created_at, updated_at)
     values ('default', 'web', 'webhook', '{}', 'latest', 5000, true, 'q', true, now(), now())`,
  );
  await pool.query(
    `insert into delivery (merchant_id, delivery_id, channel_id, job_id, status, listings,
       open_listings, created_at, updated_at)
     values ('default', 'dlv_1', 'web', gen_random_uuid(), 'dead', 1, 1, now(), now())`,
  );
  // As the relay leaves it: the messages are gone, the listings know what is due.
  await pool.query('delete from outbox_message');
  await pool.query(
    `insert into listing (merchant_id, channel_id, sku, location_id, published_quantity,
       published_version, wanted_version, state, job_id, dead_delivery)
     select merchant_id, 'web', sku, location_id, 0,
       case sku when 'lamp' then version else version - 1 end, version,
       case sku when 'lamp' then 'idle' when 'vase' then 'queued' else 'dead' end,
       case sku when 'vase' then gen_random_uuid() end, case sku when 'rug' then 'dlv_1' end
     from stock_level`,
  );
}

async function reserve(
  writer: StockWriter,
  orderId: string,
  units: Record<string, number>,
): Promise<string> {
  const lines = Object.entries(units).map(([sku, quantity]) => ({
    storeId: 'main',
    sku,
    quantity,
  }));
  const [outcome] = await apply(
    writer,
    createReservation({ ...order(orderId), lines, ttlSeconds: 3_600 }),
  );
  const answer = outcome?.kind === 'applied' ? outcome.answer.body : '{}';
  return (JSON.parse(answer) as { reservationId: string }).reservationId;
}

async function apply(writer: StockWriter, ...commands: Command[]): Promise<Outcome[]> {
  const outcomes = await writer.submit(commands);
  const refused = outcomes.find(({ kind }) => kind === 'refused');
  if (refused !== undefined) throw new Error(JSON.stringify(refused));
  return outcomes;
}

function order(orderId: string) {
  return { merchantId, orderId, lines: [], actor: 'test' };
}

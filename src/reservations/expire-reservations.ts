import { sql } from 'kysely';
import type { Clock } from '../clock.ts';
import type { Db } from '../db/index.ts';
import { passFailpoint } from '../failpoint.ts';
import type { StockWriter } from '../stock/index.ts';
import { expireReservation } from './move-reservation.ts';

/**
 * The sweep: writes down every hold that has ended, with ledger entries and outbox messages, and
 * returns how many. Reading and deciding do not wait for it; the channels do. Several processes may
 * sweep at once: a hold that another has written down is left alone.
 */
export async function expireReservations(
  db: Db,
  writer: StockWriter,
  clock: Clock,
): Promise<number> {
  const pageSize = 500;
  let total = 0;
  for (;;) {
    const { rows } = await sql<{ merchant_id: string; reservation_id: string }>`
      select merchant_id, reservation_id from reservation
      where status = 'active'
        and expires_at <= clock_timestamp() + ${clock.offsetMs} * interval '1 millisecond'
      order by expires_at limit ${pageSize}`.execute(db);
    if (rows.length === 0) return total;
    passFailpoint('expiry_found');
    const outcomes = await writer.submit(
      rows.map((row) =>
        expireReservation({
          merchantId: row.merchant_id,
          reservationId: row.reservation_id,
          actor: 'onhand',
        }),
      ),
    );
    passFailpoint('expiry_written');
    total += outcomes.filter(({ kind }) => kind === 'applied').length;
    // A page that could not be written is left to the next sweep.
    if (rows.length < pageSize || outcomes.some(({ kind }) => kind === 'refused')) return total;
  }
}

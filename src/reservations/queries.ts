import { sql } from 'kysely';
import type { Pool } from 'pg';
import type { Db } from '../db/index.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import { readReservations } from './load-reservations.ts';
import { viewReservation, type ReservationView } from './reservation.ts';
import type { ReservationStatus } from './tables.ts';

/** The database's time, moved by the clock's offset: what decides whether a hold has ended. */
async function databaseNow(db: Db, offsetMs: number): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`
    select clock_timestamp() + ${offsetMs} * interval '1 millisecond' as now`.execute(db);
  return rows[0]?.now ?? new Date();
}

/** One reservation as it stands: an active hold whose time is over is shown as expired. */
export async function getReservation(
  db: Db,
  pool: Pool,
  key: { readonly merchantId: string; readonly reservationId: string },
  offsetMs: number,
): Promise<ReservationView | undefined> {
  const [found] = await readReservations(pool, [key], []);
  return found === undefined ? undefined : viewReservation(found, await databaseNow(db, offsetMs));
}

export type ReservationFilter = PageRequest & {
  readonly merchantId: string;
  readonly orderId?: string | undefined;
  readonly status?: ReservationStatus | undefined;
};

/** Reservations by id (which is by age), at most `limit` after `after`. */
export async function listReservations(
  db: Db,
  pool: Pool,
  filter: ReservationFilter,
  offsetMs: number,
): Promise<PageOf<ReservationView, string>> {
  const now = await databaseNow(db, offsetMs);
  let query = db
    .selectFrom('reservation')
    .select('reservation_id')
    .where('merchant_id', '=', filter.merchantId)
    .orderBy('reservation_id')
    .limit(filter.limit + 1);
  if (filter.orderId !== undefined) query = query.where('order_id', '=', filter.orderId);
  if (filter.after !== undefined) query = query.where('reservation_id', '>', filter.after);
  if (filter.status === 'active') {
    query = query.where('status', '=', 'active').where('expires_at', '>', now);
  } else if (filter.status === 'expired') {
    query = query.where((where) =>
      where.or([
        where('status', '=', 'expired'),
        where.and([where('status', '=', 'active'), where('expires_at', '<=', now)]),
      ]),
    );
  } else if (filter.status === 'released') {
    query = query.where('status', 'in', ['released', 'cancelled']);
  } else if (filter.status !== undefined) {
    query = query.where('status', '=', filter.status);
  }
  const ids = (await query.execute()).map((row) => row.reservation_id);
  const page = pageOf(ids, filter.limit, (id) => id);
  const { merchantId } = filter;
  const wanted = page.items.map((reservationId) => ({ merchantId, reservationId }));
  const found = await readReservations(pool, wanted, []);
  const byId = new Map(found.map((reservation) => [reservation.reservationId, reservation]));
  const items = page.items.flatMap((id) => {
    const reservation = byId.get(id);
    return reservation === undefined ? [] : [viewReservation(reservation, now)];
  });
  return { ...page, items };
}

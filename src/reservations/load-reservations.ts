import type { Pool, PoolClient } from 'pg';
import type { Command, LevelKey, Loader, Provenance } from '../stock/index.ts';
import type { Line, Reservation } from './reservation.ts';
import type { StoredStatus } from './tables.ts';

/** A command on reservations that exist: they and their levels are known once they are loaded. */
export type ReservationCommand = Command & {
  levelKeys: readonly LevelKey[];
  provenance: Provenance;
  /** Levels it touches whatever the reservations say. */
  readonly ownLevelKeys: readonly LevelKey[];
  /** A reservation, those of an order, or both. */
  readonly wanted: { readonly reservationId?: string; readonly orderId?: string };
  /** Oldest first. Commands of one batch share the objects, so each sees what came before it. */
  reservations: Reservation[];
};

/* Prepared; two conditions joined by a union, so that each uses its index. */
const reservationsQuery = `
  with wanted as (
    select r.* from unnest($1::text[], $2::text[]) as u(merchant_id, reservation_id)
    join reservation r on r.merchant_id = u.merchant_id and r.reservation_id = u.reservation_id
    union
    select r.* from unnest($3::text[], $4::text[]) as u(merchant_id, order_id)
    join reservation r on r.merchant_id = u.merchant_id and r.order_id = u.order_id
  )
  select w.merchant_id, w.reservation_id, w.order_id, w.status, w.late, w.expires_at,
    array_agg(l.location_id order by l.location_id, l.sku) as stores,
    array_agg(l.sku order by l.location_id, l.sku) as skus,
    array_agg(l.quantity order by l.location_id, l.sku) as quantities
  from wanted w
  join reservation_line l
    on l.merchant_id = w.merchant_id and l.reservation_id = w.reservation_id
  group by w.merchant_id, w.reservation_id, w.order_id, w.status, w.late, w.expires_at, w.created_at
  order by w.created_at, w.reservation_id`;

type Row = {
  merchant_id: string;
  reservation_id: string;
  order_id: string | null;
  status: StoredStatus;
  late: boolean;
  expires_at: Date;
  stores: string[];
  skus: string[];
  quantities: number[];
};

/** Reads the reservations by id, and those of the orders, with their lines. */
export async function readReservations(
  client: Pool | PoolClient,
  ids: readonly { merchantId: string; reservationId: string }[],
  orders: readonly { merchantId: string; orderId: string }[],
): Promise<Reservation[]> {
  const { rows } = await client.query<Row>({
    name: 'reservations',
    text: reservationsQuery,
    values: [
      ids.map((id) => id.merchantId),
      ids.map((id) => id.reservationId),
      orders.map((order) => order.merchantId),
      orders.map((order) => order.orderId),
    ],
  });
  return rows.map((row) => ({
    merchantId: row.merchant_id,
    reservationId: row.reservation_id,
    orderId: row.order_id,
    status: row.status,
    late: row.late,
    expiresAt: row.expires_at,
    lines: toLines(row),
  }));
}

function toLines({ stores, skus, quantities }: Row): Line[] {
  return skus.map((sku, index) => ({
    storeId: stores[index] ?? '',
    sku,
    quantity: quantities[index] ?? 0,
  }));
}

/**
 * Gives each command of a batch its reservations, in one round trip. Commands on one order share
 * the list: what one of them adds, those behind it see.
 */
export const reservationLoader: Loader = {
  async load(client, commands) {
    const wanting = commands as readonly ReservationCommand[];
    const ids = wanting.flatMap(({ merchantId, wanted: { reservationId } }) =>
      reservationId === undefined ? [] : [{ merchantId, reservationId }],
    );
    const orders = wanting.flatMap(({ merchantId, wanted: { orderId } }) =>
      orderId === undefined ? [] : [{ merchantId, orderId }],
    );
    const found = await readReservations(client, ids, orders);
    const ofOrders = new Map<string, Reservation[]>();
    for (const command of wanting) {
      const { merchantId, wanted } = command;
      const own = found.filter((one) => one.merchantId === merchantId && isWanted(one, wanted));
      const order =
        wanted.orderId === undefined ? undefined : `${merchantId}\u0000${wanted.orderId}`;
      command.reservations = (order === undefined ? undefined : ofOrders.get(order)) ?? [];
      command.reservations.push(...own.filter((one) => !command.reservations.includes(one)));
      if (order !== undefined) ofOrders.set(order, command.reservations);
      command.levelKeys = [
        ...command.ownLevelKeys,
        ...own.flatMap(({ lines }) =>
          lines.map(({ sku, storeId }) => ({ merchantId, sku, storeId })),
        ),
      ];
    }
  },
};

function isWanted(one: Reservation, wanted: ReservationCommand['wanted']): boolean {
  return (
    one.reservationId === wanted.reservationId ||
    (wanted.orderId !== undefined && one.orderId === wanted.orderId)
  );
}

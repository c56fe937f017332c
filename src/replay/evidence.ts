import type { Pool } from 'pg';
import type { Db } from '../db/index.ts';
import { listReservations, type ReservationView } from '../reservations/index.ts';
import { listLedger } from '../stock/index.ts';
import { orderCommandId, type ReplayOrder, type ReplayTarget } from './order.ts';

/** What a run that was interrupted has left of an order. */
export type Evidence = 'none' | 'applied' | { readonly heldBy: string };

/** Looks for an order in reservations and ledger: only for those that a run had begun. */
export async function findEvidence(
  db: Db,
  pool: Pool,
  target: ReplayTarget,
  order: ReplayOrder,
): Promise<Evidence> {
  return order.kind === 'sale'
    ? await findReservation(db, pool, target, order)
    : await findCommand(db, target, order);
}

async function findReservation(
  db: Db,
  pool: Pool,
  target: ReplayTarget,
  order: ReplayOrder,
): Promise<Evidence> {
  const { merchantId } = target;
  const filter = { merchantId, orderId: order.orderId, limit: 1_000 };
  const { items } = await listReservations(db, pool, filter, 0);
  const own = items.filter((reservation) => isOf(reservation, target, order));
  if (own.some(({ status }) => status === 'committed' || status === 'returned')) return 'applied';
  // One that has expired may still be committed while its stock is free.
  const held = own.find(({ status }) => status === 'active' || status === 'expired');
  return held === undefined ? 'none' : { heldBy: held.reservationId };
}

function isOf(
  reservation: ReservationView,
  { storeId }: ReplayTarget,
  { lines }: ReplayOrder,
): boolean {
  return (
    reservation.lines.length === lines.length &&
    lines.every(({ sku, quantity }) =>
      reservation.lines.some(
        (line) => line.storeId === storeId && line.sku === sku && line.quantity === quantity,
      ),
    )
  );
}

async function findCommand(db: Db, target: ReplayTarget, order: ReplayOrder): Promise<Evidence> {
  const sku = order.lines[0]?.sku;
  const commandId = orderCommandId(target, order);
  let after: number | undefined;
  do {
    const filter = { merchantId: target.merchantId, storeId: target.storeId, sku, after };
    const page = await listLedger(db, { ...filter, limit: 1_000 });
    if (page.items.some((entry) => entry.commandId === commandId)) return 'applied';
    after = page.next;
  } while (after !== undefined);
  return 'none';
}

import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { orderFingerprint, type ReplayOrder, type ReplayTarget } from './order.ts';

/**
 * How an order stands before it is decided. `new`: nobody has begun it. `begun`: a run began it and
 * did not write down what became of it. `done`: decided by an earlier run. `differs`: an order with
 * this number and other lines was begun.
 */
export type Standing = 'new' | 'begun' | 'applied' | 'refused' | 'differs';

export type OrderOutcome = {
  readonly order: ReplayOrder;
  readonly outcome: 'applied' | 'refused';
  /** Of the refusal. */
  readonly code: string | null;
};

/** Notes that orders are about to be decided, and says how each stood before. */
export async function beginOrders(
  db: Db,
  target: ReplayTarget,
  orders: readonly ReplayOrder[],
): Promise<Map<ReplayOrder, Standing>> {
  const { merchantId, storeId } = target;
  const ids = orders.map(({ orderId }) => orderId);
  const { rows: begun } = await sql<{ order_id: string; kind: string }>`
    insert into replay_order
      (merchant_id, location_id, order_id, kind, fingerprint, begun_at)
    select ${merchantId}, ${storeId}, u.order_id, u.kind, u.fingerprint, clock_timestamp()
    from unnest(${ids}::text[], ${orders.map(({ kind }) => kind)}::text[],
      ${orders.map(orderFingerprint)}::uuid[]) as u(order_id, kind, fingerprint)
    on conflict do nothing
    returning order_id, kind`.execute(db);
  const isNew = new Set(begun.map((row) => `${row.kind} ${row.order_id}`));
  const standings = new Map<ReplayOrder, Standing>();
  if (isNew.size === orders.length) {
    for (const order of orders) standings.set(order, 'new');
    return standings;
  }
  const rows = await db
    .selectFrom('replay_order')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('location_id', '=', storeId)
    .where('order_id', 'in', ids)
    .execute();
  const known = new Map(rows.map((row) => [`${row.kind} ${row.order_id}`, row]));
  for (const order of orders) {
    const id = `${order.kind} ${order.orderId}`;
    const row = known.get(id);
    if (isNew.has(id) || row === undefined) standings.set(order, 'new');
    else if (row.fingerprint !== orderFingerprint(order)) standings.set(order, 'differs');
    else standings.set(order, row.outcome ?? 'begun');
  }
  return standings;
}

/** Writes down what became of orders: from now on they stay so. */
export async function recordOutcomes(
  db: Db,
  target: ReplayTarget,
  outcomes: readonly OrderOutcome[],
): Promise<void> {
  if (outcomes.length === 0) return;
  await sql`
    update replay_order r set outcome = u.outcome, code = u.code
    from unnest(${outcomes.map(({ order }) => order.orderId)}::text[],
      ${outcomes.map(({ order }) => order.kind)}::text[],
      ${outcomes.map(({ outcome }) => outcome)}::text[],
      ${outcomes.map(({ code }) => code)}::text[]) as u(order_id, kind, outcome, code)
    where r.merchant_id = ${target.merchantId} and r.location_id = ${target.storeId}
      and r.order_id = u.order_id and r.kind = u.kind`.execute(db);
}

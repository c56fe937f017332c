import { setTimeout } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Db } from '../db/index.ts';
import { DatabaseUnavailable, type Refusal } from '../errors.ts';
import { commitReservation, createReservation, releaseReservation } from '../reservations/index.ts';
import type { Command, Outcome, StockWriter } from '../stock/index.ts';
import { actor, changeCommand } from './change-command.ts';
import { findEvidence, type Evidence } from './evidence.ts';
import { orderCommandId, orderFingerprint, type ReplayOrder, type ReplayTarget } from './order.ts';
import { beginOrders, recordOutcomes, type OrderOutcome, type Standing } from './record.ts';

export type ReplayContext = {
  readonly db: Db;
  readonly pool: Pool;
  readonly writer: StockWriter;
  readonly target: ReplayTarget;
  /** How long an order may stand reserved before it is committed, in seconds. */
  readonly ttlSeconds: number;
};

/** An order with how it stood before this run, and what became of it in this run if anything. */
export type WaveResult = {
  readonly order: ReplayOrder;
  readonly standing: Standing;
  readonly decided: OrderOutcome | undefined;
};

/** Refusals that say nothing about the order: the same command may succeed in a moment. */
const passing = new Set(['STOCK.BUSY', 'IDEMPOTENCY.IN_PROGRESS']);

/**
 * Decides the orders of a wave one after the other and writes down what became of each.
 *
 * It may be interrupted anywhere and run again: an order is begun before it is touched, and what
 * was begun is looked for in reservations and ledger before it is touched again.
 */
export async function runWave(
  context: ReplayContext,
  orders: readonly ReplayOrder[],
): Promise<WaveResult[]> {
  const { db, target } = context;
  const standings = await beginOrders(db, target, orders);
  for (let attempt = 1; ; attempt += 1) {
    const open = orders.filter((order) => isOpen(standings.get(order)));
    const decided = await decideOrders(
      context,
      open,
      (order) => standings.get(order) === 'begun' || attempt > 1,
    );
    if (decided !== undefined) {
      await recordOutcomes(db, target, decided);
      return orders.map((order) => ({
        order,
        standing: standings.get(order) ?? 'new',
        decided: decided.find((one) => one.order === order),
      }));
    }
    if (attempt === 10) throw new DatabaseUnavailable('others kept changing the same levels');
    await setTimeout(100 * attempt);
  }
}

function isOpen(standing: Standing | undefined): boolean {
  return standing === 'new' || standing === 'begun';
}

/** @returns undefined when the database was too busy: to be tried again */
async function decideOrders(
  context: ReplayContext,
  orders: readonly ReplayOrder[],
  mayBeApplied: (order: ReplayOrder) => boolean,
): Promise<OrderOutcome[] | undefined> {
  const { db, pool, writer, target } = context;
  const evidence = new Map<ReplayOrder, Evidence>();
  for (const order of orders) {
    if (mayBeApplied(order)) evidence.set(order, await findEvidence(db, pool, target, order));
  }
  const open = orders.filter((order) => evidence.get(order) !== 'applied');
  // One batch of the writer: decided in this order, each on what those before it left.
  const commands = open.map((order) => firstCommand(context, order, evidence.get(order)));
  const first = commands.length === 0 ? [] : await writer.submit(commands);
  if (first.some(isPassing)) return undefined;

  const held = open.flatMap((order, index) => {
    const before = evidence.get(order);
    const isCommit = typeof before === 'object';
    const id = isCommit ? before.heldBy : reservationIdOf(order, first[index]);
    return id === undefined ? [] : [{ order, id, isCommit }];
  });
  const toCommit = held.filter(({ isCommit }) => !isCommit);
  // A commit takes nothing that was available, so that it may follow the decisions after it.
  const second = toCommit.length === 0 ? [] : await commitAll(context, toCommit);
  if (second.some(isPassing)) return undefined;

  const refusals = new Map<ReplayOrder, Refusal>();
  for (const [index, order] of open.entries()) addRefusal(refusals, order, first[index]);
  for (const [index, { order }] of toCommit.entries()) addRefusal(refusals, order, second[index]);
  await releaseRefused(
    context,
    held.filter(({ order }) => refusals.has(order)),
  );
  return orders.map((order) => {
    const refusal = refusals.get(order);
    return refusal === undefined
      ? { order, outcome: 'applied', code: null }
      : { order, outcome: 'refused', code: refusal.code };
  });
}

function firstCommand(
  { target, ttlSeconds }: ReplayContext,
  order: ReplayOrder,
  evidence: Evidence | undefined,
): Command {
  if (order.kind !== 'sale') return changeCommand(target, order);
  if (typeof evidence === 'object') return commitCommand(target, order, evidence.heldBy);
  const commandId = orderCommandId(target, order);
  return createReservation({
    merchantId: target.merchantId,
    orderId: order.orderId,
    lines: order.lines.map((line) => ({ ...line, storeId: target.storeId })),
    ttlSeconds,
    actor,
    occurredAt: order.at,
    idempotencyKey: { key: `replay-${commandId}`, fingerprint: orderFingerprint(order) },
  });
}

function commitCommand(target: ReplayTarget, order: ReplayOrder, reservationId: string): Command {
  const { merchantId } = target;
  // A run that goes on after a day finds holds that ended; they are sold while stock is free.
  return commitReservation(
    { merchantId, reservationId, actor, occurredAt: order.at },
    'if-available',
  );
}

function reservationIdOf(order: ReplayOrder, outcome: Outcome | undefined): string | undefined {
  if (order.kind !== 'sale' || outcome === undefined || outcome.kind === 'refused')
    return undefined;
  return (JSON.parse(outcome.answer.body) as { reservationId: string }).reservationId;
}

type Held = { readonly order: ReplayOrder; readonly id: string };

async function commitAll({ writer, target }: ReplayContext, held: readonly Held[]) {
  return await writer.submit(held.map(({ order, id }) => commitCommand(target, order, id)));
}

/** An order that was reserved and could not be committed (a count found less) holds nothing. */
async function releaseRefused(
  { writer, target }: ReplayContext,
  held: readonly Held[],
): Promise<void> {
  if (held.length === 0) return;
  const { merchantId } = target;
  await writer.submit(
    held.map(({ id }) => releaseReservation({ merchantId, reservationId: id, actor })),
  );
}

function isPassing(outcome: Outcome): boolean {
  return outcome.kind === 'refused' && passing.has(outcome.refusal.code);
}

function addRefusal(
  refusals: Map<ReplayOrder, Refusal>,
  order: ReplayOrder,
  outcome: Outcome | undefined,
): void {
  if (outcome?.kind === 'refused') refusals.set(order, outcome.refusal);
}

import { randomUUID } from 'node:crypto';
import { refuse } from '../errors.ts';
import {
  levelId,
  maxQuantity,
  storeNotFound,
  type Command,
  type Level,
  type LevelChange,
  type LevelKey,
  type QuantityChange,
} from '../stock/index.ts';
import type { OrderKey, OrderLine } from './order-lines.ts';
import { planUnits } from './plan-order.ts';

export type OrderStatus = 'pending' | 'confirmed' | 'cancelled';

/** A line as it was applied, and where and how much of it is wanted now. */
export type LineChange = { readonly before: OrderLine | undefined; readonly after: OrderLine };

/** Brings stock to an order's state. `lines` are what they come to, once it was decided. */
export type OrderCommand = Command & { readonly lines: readonly OrderLine[] };

/**
 * The command that brings stock from what was applied of an order to what its state wants: one
 * version of each level that it changes. A fact: never refused for lack of stock.
 * Refusals: STORE.NOT_FOUND, STOCK.OUT_OF_RANGE.
 */
export function orderCommand(
  key: OrderKey,
  status: OrderStatus,
  occurredAt: Date,
  changes: readonly LineChange[],
): OrderCommand {
  const { merchantId, channelId, orderId } = key;
  const keyOf = (level: { storeId: string; sku: string }): LevelKey => ({ merchantId, ...level });
  let lines: readonly OrderLine[] = [];
  return {
    merchantId,
    commandId: randomUUID(),
    levelKeys: levelsOf(changes).map(keyOf),
    provenance: {
      reason: 'channel.order',
      reference: orderId,
      actor: `channel:${channelId}`,
      sourceChannel: channelId,
      occurredAt,
    },
    get lines() {
      return lines;
    },
    decide(context) {
      const sums = new Map<string, Sum>();
      const sumOf = (level: { storeId: string; sku: string }): Sum => {
        const found = context.level(keyOf(level));
        const id = levelId(found);
        const sum = sums.get(id) ?? { level: found, onHand: 0, openOrders: 0 };
        sums.set(id, sum);
        return sum;
      };
      lines = changes.map(({ before, after }) => {
        const moved = before?.level !== undefined && !isSame(before.level, after.level);
        if (moved) give(sumOf(before.level), before);
        const applied = before === undefined || moved ? nothing : before;
        if (after.level === undefined) return { ...after, ...nothing };
        const sum = sumOf(after.level);
        const onHand = sum.level.onHand + sum.onHand;
        const units = planUnits(status, after.wanted, applied, onHand);
        give(sum, applied);
        sum.onHand -= units.sold;
        sum.openOrders += units.held;
        return { ...after, ...units };
      });
      return decisionOf([...sums.values()]);
    },
  };
}

type Sum = { readonly level: Level; onHand: number; openOrders: number };

const nothing = { held: 0, sold: 0 };

function give(sum: Sum, { held, sold }: { held: number; sold: number }): void {
  sum.onHand += sold;
  sum.openOrders -= held;
}

function decisionOf(sums: readonly Sum[]) {
  const changes: LevelChange[] = [];
  for (const { level, onHand, openOrders } of sums) {
    if (onHand === 0 && openOrders === 0) continue;
    if (!level.storeExists) return { refusal: storeNotFound(level.storeId) };
    // Somebody else may have counted the open orders down meanwhile.
    const held = Math.max(openOrders, -level.openOrders);
    if (level.onHand + onHand > maxQuantity || level.openOrders + held > maxQuantity) {
      const { storeId, sku } = level;
      return { refusal: refuse('STOCK.OUT_OF_RANGE', 'Too many units.', { storeId, sku }) };
    }
    const own: QuantityChange[] = [];
    if (onHand !== 0) own.push({ quantity: 'onHand', delta: onHand });
    if (held !== 0) own.push({ quantity: 'openOrders', delta: held });
    if (own.length > 0) changes.push({ level, changes: own });
  }
  return { changes, answer: () => ({ status: 200, body: '' }) };
}

function isSame(
  a: { storeId: string; sku: string },
  b: { storeId: string; sku: string } | undefined,
): boolean {
  return b !== undefined && a.storeId === b.storeId && a.sku === b.sku;
}

function levelsOf(changes: readonly LineChange[]): { storeId: string; sku: string }[] {
  return changes.flatMap(({ before, after }) => [before?.level ?? [], after.level ?? []].flat());
}

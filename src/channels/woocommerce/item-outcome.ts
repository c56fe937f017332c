import { z } from 'zod';
import type { Change, ChangeOutcome } from '../adapter.ts';
import { wordOf } from './failures.ts';

/** An item of a batch's answer: the product as it is now, or why it was not changed. */
export const updatedSchema = z.object({
  id: z.number(),
  /** `parent`: a variation without stock of its own. */
  manage_stock: z.union([z.boolean(), z.literal('parent')]).optional(),
  stock_quantity: z.number().nullable().optional(),
  error: z
    .object({ code: z.string(), data: z.object({ status: z.number().nullish() }).nullish() })
    .nullish(),
});

/**
 * What became of a change. A shop that does not count the product (its own setting, or a kind of
 * product that has no stock) takes the call and drops the quantity: that is `manage_stock_off`.
 * Something else than we set is what the shop shows instead.
 */
export function outcomeOfItem(
  { available }: Change,
  { manage_stock: isManaged, stock_quantity: quantity, error }: z.infer<typeof updatedSchema>,
): ChangeOutcome {
  if (error) {
    const status = error.data?.status ?? 500;
    const isPassing = status >= 500 || status === 429 || status === 408;
    return { kind: isPassing ? 'retry' : 'refused', code: wordOf(error.code) };
  }
  if (isManaged !== true) return { kind: 'refused', code: 'manage_stock_off' };
  if (quantity === null || quantity === undefined) {
    return { kind: 'refused', code: 'stock_ignored' };
  }
  if (quantity === available) return { kind: 'applied' };
  return { kind: 'stale', observed: Math.floor(quantity) };
}

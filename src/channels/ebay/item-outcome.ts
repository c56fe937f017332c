import { z } from 'zod';
import type { Change, ChangeOutcome } from '../adapter.ts';
import { errorSchema } from './call-ebay.ts';
import { wordOf, type EbayError } from './failures.ts';

/** What eBay says of one offer, whatever the status of the whole answer. */
export const itemSchema = z.object({
  offerId: z.string().nullish(),
  sku: z.string().nullish(),
  statusCode: z.int(),
  errors: z.array(errorSchema).nullish(),
});
export type AnsweredItem = z.infer<typeof itemSchema>;

/** eBay takes no 0 of an account without out-of-stock control. */
const zeroRefused = 25_004;
/** A fault of eBay's own, and somebody else who changed it at the same time. */
const passing: ReadonlySet<number> = new Set([25_001, 25_025]);

/** What became of a change. */
export function outcomeOfItem(
  change: Change,
  { statusCode, errors }: Pick<AnsweredItem, 'statusCode' | 'errors'>,
): ChangeOutcome {
  if (statusCode >= 200 && statusCode < 300) return { kind: 'applied' };
  const [error] = errors ?? [];
  return refusalOf(change, statusCode, error);
}

/** What a change came to that eBay did not carry out. */
export function refusalOf(
  { available }: Change,
  statusCode: number,
  error: EbayError | undefined,
): ChangeOutcome {
  const code = error === undefined ? `http_${statusCode}` : wordOf(error);
  const isPassing =
    statusCode >= 500 ||
    statusCode === 429 ||
    statusCode === 408 ||
    passing.has(error?.errorId ?? 0);
  if (isPassing) return { kind: 'retry', code };
  if (available === 0 && error?.errorId === zeroRefused) {
    return { kind: 'refused', code: 'zero_refused' };
  }
  return { kind: 'refused', code };
}

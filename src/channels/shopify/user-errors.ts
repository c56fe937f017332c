import type { ChangeOutcome, PublishFailure } from '../adapter.ts';
import { wordOf } from './failures.ts';

/** How Shopify says that it did not take a call, row by row where it is about rows. */
export type UserError = {
  /** Such as `["input", "quantities", "0", "inventoryItemId"]`. */
  readonly field?: readonly string[] | null | undefined;
  readonly code?: string | null | undefined;
};

/** What user errors mean. Nothing of the call was done, whatever they say. */
export type JudgedErrors =
  /** About the call: it failed. */
  | { readonly kind: 'failed'; readonly failure: PublishFailure }
  /** About the call: it can never be taken. */
  | { readonly kind: 'refused'; readonly code: string }
  /** About some rows, which have an outcome; the others were only in the same call. */
  | { readonly kind: 'rows'; readonly outcomes: ReadonlyMap<number, ChangeOutcome> };

/** The first call with the key is still being worked: its answer can be had soon. */
const concurrentMs = 1_000;

const stale: ReadonlySet<string> = new Set(['CHANGE_FROM_QUANTITY_STALE']);

/** Codes that are as true tomorrow, of a row or of all. */
const permanent: ReadonlySet<string> = new Set([
  'IDEMPOTENCY_KEY_PARAMETER_MISMATCH',
  'INVALID_INVENTORY_ITEM',
  'INVALID_LOCATION',
  'INVALID_NAME',
  'INVALID_QUANTITY_NEGATIVE',
  'INVALID_QUANTITY_TOO_HIGH',
  'INVALID_QUANTITY_TOO_LOW',
  'INVALID_REASON',
  'INVALID_REFERENCE_DOCUMENT',
  'ITEM_NOT_STOCKED_AT_LOCATION',
  'NON_MUTABLE_INVENTORY_ITEM',
  'NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR',
]);

/**
 * Maps each error. Where several are about one row the one for good counts. A code that we do not
 * know may pass.
 */
export function judgeErrors(errors: readonly UserError[]): JudgedErrors {
  const outcomes = new Map<number, ChangeOutcome>();
  for (const { field, code } of errors) {
    if (stale.has(code ?? '')) continue;
    const word = wordOf(code ?? 'user_error');
    const isPermanent = permanent.has(code ?? '');
    const row = rowOf(field);
    if (row === undefined) return isPermanent ? { kind: 'refused', code: word } : failed(word);
    if (outcomes.get(row)?.kind === 'refused') continue;
    outcomes.set(row, { kind: isPermanent ? 'refused' : 'retry', code: word });
  }
  return { kind: 'rows', outcomes };
}

function rowOf(field: UserError['field']): number | undefined {
  const [input, quantities, row] = field ?? [];
  const isRow = input === 'input' && quantities === 'quantities' && /^\d{1,4}$/.test(row ?? '');
  return isRow ? Number(row) : undefined;
}

/** Of a call with the same key that is under way nothing is known yet; else nothing was done. */
function failed(code: string): JudgedErrors {
  const isUnderWay = code === 'idempotency_concurrent_request';
  const more = isUnderWay ? { retryAfterMs: concurrentMs } : { isNotDone: true };
  return { kind: 'failed', failure: { code, httpStatus: 200, scope: 'request', ...more } };
}

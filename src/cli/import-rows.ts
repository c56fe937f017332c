import type { Core } from '../core.ts';
import { DatabaseUnavailable } from '../errors.ts';
import { getLocation, putLocation, setStock, type Command } from '../stock/index.ts';
import type { StockRow } from './stock-file.ts';

const unchanged = { status: 204, body: '' };

/** Sets the levels of some rows in one batch of the writer, and adds to the counts. */
export async function importRows(
  { db, writer }: Core,
  input: {
    readonly rows: readonly StockRow[];
    readonly merchantId: string;
    /** Stores that are there; grows. */
    readonly knownStores: Set<string>;
  },
  counts: { written: number; unchanged: number; stores: number },
): Promise<void> {
  const { rows, merchantId, knownStores } = input;
  for (const { storeId } of rows) {
    if (knownStores.has(storeId)) continue;
    if ((await getLocation(db, merchantId, storeId)) === undefined) {
      await putLocation(db, { merchantId, storeId });
      counts.stores += 1;
    }
    knownStores.add(storeId);
  }
  const outcomes = await writer.submit(rows.map((row) => countCommand(merchantId, row)));
  for (const outcome of outcomes) {
    // A count has no other refusal than that the database was too busy.
    if (outcome.kind === 'refused') throw new DatabaseUnavailable(outcome.refusal.detail);
    if (outcome.answer === unchanged) counts.unchanged += 1;
    else counts.written += 1;
  }
}

/** Sets a level to a figure, unless it stands there already: decided by the writer itself. */
function countCommand(merchantId: string, { sku, storeId, onHand, line }: StockRow): Command {
  const level = { merchantId, sku, storeId };
  const set = setStock({
    level,
    request: { onHand },
    provenance: {
      reason: 'import',
      reference: `line ${line}`,
      actor: 'import',
      sourceChannel: null,
      occurredAt: null,
    },
  });
  return {
    ...set,
    decide(context) {
      const { exists, onHand: before } = context.level(level);
      if (exists && before === onHand) return { changes: [], answer: () => unchanged };
      return set.decide(context);
    },
  };
}

import type { Db } from '../db/index.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import { settledUpTo } from './ledger-writers.ts';
import { quantities, quantityColumn, type Quantity } from './level.ts';

/** A ledger entry as the API shows it. */
export type LedgerEntryView = {
  readonly entryId: string;
  readonly storeId: string;
  readonly sku: string;
  readonly quantity: Quantity;
  readonly delta: number;
  readonly balanceAfter: number;
  readonly version: number;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly actor: string | null;
  readonly sourceChannel: string | null;
  readonly commandId: string;
  readonly occurredAt: string;
  readonly recordedAt: string;
};

/** `after` is the number of the last entry already seen. */
export type LedgerFilter = PageRequest<number> & {
  readonly merchantId: string;
  readonly sku?: string | undefined;
  readonly storeId?: string | undefined;
};

const quantityOfColumn = new Map<string, Quantity>(
  quantities.map((quantity) => [quantityColumn[quantity], quantity]),
);

/** The API's name of a ledger quantity. */
export function quantityFromColumn(column: string): Quantity {
  const quantity = quantityOfColumn.get(column);
  if (quantity === undefined) throw new Error(`unknown quantity ${column} in the ledger`);
  return quantity;
}

export function entryIdOf(number: number): string {
  return `ent_${number}`;
}

/** The number behind an entry id, or undefined when it is none. */
export function parseEntryId(id: string): number | undefined {
  const match = /^ent_(\d{1,15})$/.exec(id);
  return match === null ? undefined : Number(match[1]);
}

/**
 * Ledger entries, oldest first. Of one level they come in the order of its versions. Who reads on
 * behind the last entry seen misses none: what is being committed just now is waited for.
 */
export async function listLedger(
  db: Db,
  filter: LedgerFilter,
): Promise<PageOf<LedgerEntryView, number>> {
  const newest = await settledUpTo(db, filter.merchantId);
  if (newest === undefined) return { items: [], next: undefined };
  let query = db
    .selectFrom('ledger_entry')
    .selectAll()
    .where('merchant_id', '=', filter.merchantId)
    .where('entry_id', '<=', newest)
    .orderBy('entry_id')
    .limit(filter.limit + 1);
  if (filter.sku !== undefined) query = query.where('sku', '=', filter.sku);
  if (filter.storeId !== undefined) query = query.where('location_id', '=', filter.storeId);
  if (filter.after !== undefined) query = query.where('entry_id', '>', filter.after);
  const page = pageOf(await query.execute(), filter.limit, (row) => row.entry_id);
  return {
    ...page,
    items: page.items.map((row) => ({
      entryId: entryIdOf(row.entry_id),
      storeId: row.location_id,
      sku: row.sku,
      quantity: quantityFromColumn(row.quantity),
      delta: row.delta,
      balanceAfter: row.balance_after,
      version: row.version,
      reason: row.reason,
      reference: row.reference,
      actor: row.actor,
      sourceChannel: row.source_channel,
      commandId: row.command_id,
      occurredAt: row.occurred_at.toISOString(),
      recordedAt: row.recorded_at.toISOString(),
    })),
  };
}

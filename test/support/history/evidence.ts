import type { Pool } from 'pg';
import { quantityColumn, quantities, type Quantity } from '../../../src/stock/index.ts';
import type { Evidence, LedgerRow, LevelRow } from './operation.ts';

const quantityOf = new Map<string, Quantity>(
  quantities.map((quantity) => [quantityColumn[quantity], quantity]),
);

/** Reads the ledger and the levels of the merchant `default`, in one moment. */
export async function readEvidence(pool: Pool): Promise<Evidence> {
  const client = await pool.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    const { rows: entries } = await client.query<Record<string, string | number> & Row>(
      `select 'ent_' || entry_id as "entryId", location_id as "storeId", sku, version,
         quantity::text, delta, balance_after as "balanceAfter", reason, reference,
         source_channel as "sourceChannel", command_id as "commandId",
         floor(extract(epoch from recorded_at) * 1000)::double precision as "recordedAtMs"
       from ledger_entry where merchant_id = 'default'
       order by location_id, sku, version, quantity`,
    );
    const { rows: levels } = await client.query<LevelRow>(
      `select location_id as "storeId", sku, version, on_hand as "onHand", reserved, allocated,
         open_orders as "openOrders", pending_sales as "pendingSales", unavailable,
         safety_stock as "safetyStock", incoming
       from stock_level where merchant_id = 'default' order by location_id, sku`,
    );
    const { rows: clock } = await client.query<{ ms: number }>(
      'select (extract(epoch from now()) * 1000)::double precision as ms',
    );
    await client.query('commit');
    return { entries: entries.map(withQuantity), levels, readAtMs: clock[0]?.ms ?? 0 };
  } finally {
    client.release();
  }
}

type Row = Omit<LedgerRow, 'quantity'> & { readonly quantity: string };

function withQuantity({ quantity: column, ...row }: Row): LedgerRow {
  const quantity = quantityOf.get(column);
  if (quantity === undefined) throw new Error(`unknown quantity ${column}`);
  return { ...row, quantity };
}

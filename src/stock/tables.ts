import type { ColumnType, Generated } from 'kysely';

export type LocationTable = {
  merchant_id: string;
  location_id: string;
  name: string | null;
  kind: 'store' | 'warehouse';
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
};

export type StockLevelTable = {
  merchant_id: string;
  sku: string;
  location_id: string;
  on_hand: number;
  reserved: number;
  allocated: number;
  open_orders: number;
  pending_sales: number;
  unavailable: number;
  safety_stock: number;
  incoming: number;
  first_hold_ends_at: Date | null;
  /** No channel made a later one. */
  channel_version: Generated<number>;
  version: number;
  updated_at: Date;
};

export type LedgerEntryTable = {
  merchant_id: string;
  entry_id: Generated<number>;
  sku: string;
  location_id: string;
  version: number;
  quantity: ColumnType<string, string, never>;
  delta: number;
  balance_after: number;
  reason: string | null;
  reference: string | null;
  actor: string | null;
  source_channel: string | null;
  command_id: string;
  occurred_at: Date;
  recorded_at: Date;
};

export type StockSnapshotTable = Omit<
  StockLevelTable,
  'updated_at' | 'first_hold_ends_at' | 'channel_version'
> & {
  recorded_at: Date;
};

declare module '../db/database.ts' {
  interface Tables {
    location: LocationTable;
    stock_level: StockLevelTable;
    ledger_entry: LedgerEntryTable;
    stock_snapshot: StockSnapshotTable;
  }
}

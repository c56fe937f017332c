import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/** What levels were at some of their versions: a question about the past begins there. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table stock_snapshot (
      merchant_id   text collate "C" not null,
      sku           text collate "C" not null,
      location_id   text collate "C" not null,
      version       bigint not null,
      on_hand       integer not null,
      reserved      integer not null,
      allocated     integer not null,
      open_orders   integer not null,
      pending_sales integer not null,
      unavailable   integer not null,
      safety_stock  integer not null,
      incoming      integer not null,
      -- of the version, not of the snapshot
      recorded_at   timestamptz not null,
      constraint stock_snapshot_pkey primary key (merchant_id, sku, location_id, version)
    )`.execute(db);
  await sql`
    create index stock_snapshot_time_idx
      on stock_snapshot (merchant_id, sku, location_id, recorded_at, version)`.execute(db);
  await sql`drop function stock_commit`.execute(db);
  await loadSql(db, ['types/stock_commit_rows.sql', 'functions/stock_commit.sql']);
}

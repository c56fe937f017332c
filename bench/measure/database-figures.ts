import { query } from '../lab.ts';

/** Cumulative counters of a database; the difference of two readings is what a run did. */
export type DatabaseFigures = {
  readonly deadlocks: number;
  /** Updates of stock_level, and those of them that stayed on their page without index work. */
  readonly levelUpdates: number;
  readonly levelHotUpdates: number;
};

export async function readDatabaseFigures(connectionString: string): Promise<DatabaseFigures> {
  const [row] = await query<DatabaseFigures>(
    connectionString,
    `select d.deadlocks::float8 as deadlocks, t.n_tup_upd::float8 as "levelUpdates",
       t.n_tup_hot_upd::float8 as "levelHotUpdates"
     from pg_stat_database d, pg_stat_user_tables t
     where d.datname = current_database() and t.relname = 'stock_level'`,
  );
  if (row === undefined) throw new Error('the database has no table stock_level');
  return row;
}

/** Rows of a table that are of no use to anybody and wait for autovacuum. */
export type DeadTuples = { readonly table: string; readonly dead: number; readonly live: number };

export async function readDeadTuples(connectionString: string): Promise<DeadTuples[]> {
  return await query<DeadTuples>(
    connectionString,
    `select schemaname || '.' || relname as "table", n_dead_tup::float8 as dead,
       n_live_tup::float8 as live
     from pg_stat_user_tables
     where n_tup_upd + n_tup_del > 0 order by 1`,
  );
}

/** How many ledger entries were ever numbered: a count of changes that costs next to nothing. */
export async function readEntryNumber(connectionString: string): Promise<number> {
  const [row] = await query<{ last: number }>(
    connectionString,
    'select last_value::float8 as last from ledger_entry_entry_id_seq',
  );
  return row?.last ?? 0;
}

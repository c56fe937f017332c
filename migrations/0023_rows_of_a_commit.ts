import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/** A commit takes rows, not an array for each of their columns. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // What a function takes cannot be replaced, and an older migration may have added the new form
  // beside the old one.
  await sql`
    do $$
    declare
      v_function regprocedure;
    begin
      for v_function in
        select oid from pg_proc
        where proname in ('stock_commit', 'stock_commit_reservations')
          and pronamespace = current_schema()::regnamespace
      loop
        execute format('drop function %s', v_function);
      end loop;
    end
    $$`.execute(db);
  await loadSql(db, [
    'types/stock_commit_rows.sql',
    'functions/stock_commit_reservations.sql',
    'functions/stock_commit.sql',
  ]);
}

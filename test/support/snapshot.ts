import type { Pool } from 'pg';

/** Everything the database holds for a merchant, table by table, to be compared. */
export async function snapshotOf(
  pool: Pool,
  merchantId: string,
  except: readonly string[] = [],
): Promise<Record<string, readonly string[]>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.columns
     where table_schema = 'public' and column_name = 'merchant_id'
       and table_name in (
         select table_name from information_schema.tables where table_type = 'BASE TABLE')
     order by 1`,
  );
  const snapshot: Record<string, readonly string[]> = {};
  for (const { name } of tables) {
    if (except.includes(name)) continue;
    const { rows } = await pool.query<{ row: string }>(
      `select t::text as row from "${name}" t where merchant_id = $1 order by 1`,
      [merchantId],
    );
    snapshot[name] = rows.map(({ row }) => row);
  }
  return snapshot;
}

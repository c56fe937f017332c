import type { Pool } from 'pg';
import { expect } from 'vitest';

/** Every view of the schema `audit` that shows violations, with its rows; all must be empty. */
export async function expectCleanAudit(pool: Pool): Promise<void> {
  const { rows: views } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'audit' and c.relkind = 'v'
       and obj_description(c.oid, 'pg_class') like 'violation:%'`,
  );
  expect(views.length).toBeGreaterThan(5);
  const found: Record<string, unknown[]> = {};
  for (const { name } of views) {
    const { rows } = await pool.query(`select * from audit.${name} limit 5`);
    if (rows.length > 0) found[name] = rows;
  }
  expect(found).toEqual({});
}

import type { Pool } from 'pg';
import { expect } from 'vitest';

const views = new WeakMap<Pool, Promise<readonly string[]>>();

/** The names of the views of the schema `audit` that show violations. */
async function violationViews(pool: Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'audit' and c.relkind = 'v'
       and obj_description(c.oid, 'pg_class') like 'violation:%'`,
  );
  expect(rows.length).toBeGreaterThan(5);
  return rows.map(({ name }) => name);
}

/** Rows of every audit view that has some, by view: none when all invariants hold. */
export async function findViolations(pool: Pool): Promise<Record<string, unknown>> {
  let known = views.get(pool);
  if (known === undefined) {
    known = violationViews(pool);
    views.set(pool, known);
  }
  const parts = (await known).map(
    (name) =>
      `select '${name}' as name, (select jsonb_agg(v) from
         (select * from audit.${name} limit 5) v) as found`,
  );
  const { rows } = await pool.query<{ name: string; found: unknown }>(parts.join(' union all '));
  return Object.fromEntries(
    rows.filter(({ found }) => found !== null).map(({ name, found }) => [name, found]),
  );
}

/** Every invariant that SQL can state holds. */
export async function expectCleanAudit(pool: Pool): Promise<void> {
  expect(await findViolations(pool)).toEqual({});
}

import { sql, type Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/**
 * The ledger by month. What is there already stays where it is: the table of before becomes the
 * partition of everything up to the end of its newest month, so that the migration reads it once
 * (some seconds for ten million entries) and copies nothing.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const views = await viewsOfLedger(db);
  await sql`alter table ledger_entry rename to ledger_entry_first`.execute(db);
  await sql`alter index ledger_entry_pkey rename to ledger_entry_first_pkey`.execute(db);
  await sql`alter index ledger_entry_id_idx rename to ledger_entry_first_id_idx`.execute(db);
  // No key of its own: it would have to contain the time. Its partitions have one each.
  await sql`
    create table ledger_entry (like ledger_entry_first including defaults including constraints)
    partition by range (recorded_at)`.execute(db);
  await sql`create index ledger_entry_id_idx on ledger_entry (merchant_id, entry_id)`.execute(db);
  await sql`
    alter sequence ledger_entry_entry_id_seq owned by ledger_entry.entry_id`.execute(db);
  // For what no month covers that was made so far.
  await sql`
    create table ledger_entry_other partition of ledger_entry (
      constraint ledger_entry_other_pkey
        primary key (merchant_id, sku, location_id, version, quantity)
    ) default`.execute(db);
  await attachFirst(db);
  for (const view of views) {
    await sql`create or replace view ${sql.raw(view.name)} as ${sql.raw(view.text)}`.execute(db);
  }
  await loadSql(db, ['functions/ledger_partitions.sql']);
  await sql`select ledger_make_partitions(now(), 2)`.execute(db);
}

/** Views that read the ledger: they know a table by its number and not by its name. */
async function viewsOfLedger(
  db: Kysely<unknown>,
): Promise<readonly { readonly name: string; readonly text: string }[]> {
  const { rows } = await sql<{ name: string; text: string }>`
    select distinct c.oid::regclass::text as name, pg_get_viewdef(c.oid) as text
    from pg_depend d
    join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
    join pg_class c on c.oid = r.ev_class and c.relkind = 'v'
    where d.refclassid = 'pg_class'::regclass and d.refobjid = 'ledger_entry'::regclass`.execute(
    db,
  );
  return rows;
}

/** Hangs the table of before under the new one; an empty one is of no use. */
async function attachFirst(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ until: string | null }>`
    select date_trunc('month', max(recorded_at) + interval '1 month', 'UTC')::text as until
    from ledger_entry_first`.execute(db);
  const until = rows[0]?.until ?? null;
  if (until === null) {
    await sql`drop table ledger_entry_first`.execute(db);
    return;
  }
  await sql`
    alter table ledger_entry attach partition ledger_entry_first
    for values from (minvalue) to (${sql.lit(until)})`.execute(db);
}

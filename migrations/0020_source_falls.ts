import { sql, type Kysely } from 'kysely';

/** SKUs that a source let fall to zero: what falls piece by piece is judged together. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table source_fall (
      merchant_id text collate "C" not null,
      source_id   text collate "C" not null,
      sku         text collate "C" not null,
      -- when that was applied; it is of interest for minutes
      fell_at     timestamptz not null,
      constraint source_fall_pkey primary key (merchant_id, source_id, sku),
      constraint source_fall_source_fkey foreign key (merchant_id, source_id)
        references source on delete cascade
    )`.execute(db);
}

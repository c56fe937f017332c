import { sql, type Kysely } from 'kysely';

/**
 * What became of each order of a file that is replayed into a store. The ledger knows what was
 * applied, but not what was refused, and an order refused once must stay refused: a cancellation
 * further down the file may have put back by then what it asked for.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table replay_order (
      merchant_id text collate "C" not null,
      location_id text collate "C" not null,
      order_id    text collate "C" not null,
      kind        text not null,
      -- of its lines: the same number with other lines is another order
      fingerprint uuid not null,
      -- null: begun, and what became of it stands in the ledger if anywhere
      outcome     text,
      -- of the refusal
      code        text,
      begun_at    timestamptz not null,
      constraint replay_order_pkey primary key (merchant_id, location_id, order_id, kind),
      constraint replay_order_kind_check check (kind in ('sale', 'cancellation', 'correction')),
      constraint replay_order_outcome_check check (outcome in ('applied', 'refused'))
    ) with (fillfactor = 70)`.execute(db);
}

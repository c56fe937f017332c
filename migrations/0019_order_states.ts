import { sql, type Kysely } from 'kysely';

/** States of orders where a channel's revisions are too coarse, and refunds told by themselves. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table inbound_order
      -- orders states of one revision and one status
      add column progress double precision not null default 0,
      -- refunds by id: units by line that its state does not count yet; none once it does
      add column refunds jsonb not null default '{}'`.execute(db);
}

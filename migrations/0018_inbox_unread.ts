import { sql, type Kysely } from 'kysely';

/** Attempts at a webhook that came to nothing because its channel was away count by themselves. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table inbox_webhook
      -- of the attempts, those in which the channel did not say what it was about
      add column unread integer not null default 0`.execute(db);
}

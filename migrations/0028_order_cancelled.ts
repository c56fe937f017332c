import { sql, type Kysely } from 'kysely';

/** A hold that ended because its order was cancelled is told from one that was given back. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Not looked through: what is there kept to fewer.
  await sql`
    alter table reservation
      drop constraint reservation_status_check,
      -- returned: an order whose stock was taken, and that was cancelled afterwards
      -- cancelled: an order whose stock was held only; shown as released
      add constraint reservation_status_check
        check (status in ('active', 'committed', 'released', 'expired', 'returned', 'cancelled'))
        not valid`.execute(db);
}

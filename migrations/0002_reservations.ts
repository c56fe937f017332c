import { sql, type Kysely } from 'kysely';

/** Reservations and their lines: holds of stock that end by themselves. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table reservation (
      merchant_id    text collate "C" not null,
      reservation_id text collate "C" not null,
      order_id       text collate "C",
      status         text not null,
      -- committed after its time because the stock was still free
      late           boolean not null default false,
      expires_at     timestamptz not null,
      created_at     timestamptz not null,
      updated_at     timestamptz not null,
      constraint reservation_pkey primary key (merchant_id, reservation_id),
      constraint reservation_merchant_fkey foreign key (merchant_id) references merchant,
      -- returned: an order whose stock was taken, and that was cancelled afterwards
      constraint reservation_status_check
        check (status in ('active', 'committed', 'released', 'expired', 'returned'))
    )`.execute(db);
  await sql`
    create index reservation_order_idx on reservation (merchant_id, order_id, reservation_id)
    where order_id is not null`.execute(db);
  // What the sweep looks for; rows leave it when they leave the state.
  await sql`
    create index reservation_expiry_idx on reservation (expires_at)
    where status = 'active'`.execute(db);

  await sql`
    create table reservation_line (
      merchant_id    text collate "C" not null,
      reservation_id text collate "C" not null,
      sku            text collate "C" not null,
      location_id    text collate "C" not null,
      quantity       integer not null,
      -- the reservation's expires_at while it is active, else null: lets one index answer which
      -- holds of a level have ended although the sweep has not passed yet
      held_until     timestamptz,
      constraint reservation_line_pkey
        primary key (merchant_id, reservation_id, sku, location_id),
      constraint reservation_line_reservation_fkey
        foreign key (merchant_id, reservation_id) references reservation,
      constraint reservation_line_quantity_check check (quantity > 0)
    )`.execute(db);
  await sql`
    create index reservation_line_held_idx
      on reservation_line (merchant_id, sku, location_id, held_until) include (quantity)
    where held_until is not null`.execute(db);
}

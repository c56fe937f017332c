import { sql, type Kysely } from 'kysely';

/** What channels tell us: their webhooks as they came, and the orders they tell of. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table inbox_webhook (
      merchant_id text collate "C" not null,
      channel_id  text collate "C" not null,
      -- the channel's own id: a webhook that is sent twice is stored once
      webhook_id  text collate "C" not null,
      topic       text not null,
      headers     jsonb not null,
      body        bytea not null,
      status      text not null default 'waiting',
      attempts    integer not null default 0,
      error_code  text,
      due_at      timestamptz not null,
      received_at timestamptz not null,
      ended_at    timestamptz,
      constraint inbox_webhook_pkey primary key (merchant_id, channel_id, webhook_id),
      constraint inbox_webhook_channel_fkey foreign key (merchant_id, channel_id)
        references channel on delete cascade,
      constraint inbox_webhook_status_check
        check (status in ('waiting', 'done', 'ignored', 'stale', 'poison'))
    )`.execute(db);
  await sql`
    create index inbox_webhook_due_idx on inbox_webhook (due_at) where status = 'waiting'
  `.execute(db);
  await sql`create index inbox_webhook_age_idx on inbox_webhook using brin (received_at)`.execute(
    db,
  );
  await sql`
    create table inbound_order (
      merchant_id text collate "C" not null,
      channel_id  text collate "C" not null,
      order_id    text collate "C" not null,
      -- of the newest state that was taken
      revision    double precision not null,
      status      text not null,
      occurred_at timestamptz not null,
      updated_at  timestamptz not null,
      constraint inbound_order_pkey primary key (merchant_id, channel_id, order_id),
      constraint inbound_order_status_check
        check (status in ('pending', 'confirmed', 'cancelled'))
    )`.execute(db);
  await sql`
    create table inbound_line (
      merchant_id  text collate "C" not null,
      channel_id   text collate "C" not null,
      order_id     text collate "C" not null,
      line_id      text collate "C" not null,
      -- as the channel names it
      listing_key  text,
      channel_sku  text,
      place        text,
      wanted       integer not null,
      -- where it was applied; null: an open question
      sku          text collate "C",
      location_id  text collate "C",
      -- units that wait in open orders, and units taken from on hand
      held         integer not null default 0,
      sold         integer not null default 0,
      constraint inbound_line_pkey primary key (merchant_id, channel_id, order_id, line_id),
      constraint inbound_line_order_fkey foreign key (merchant_id, channel_id, order_id)
        references inbound_order,
      constraint inbound_line_units_check check (wanted >= 0 and held >= 0 and sold >= 0),
      constraint inbound_line_place_check check ((sku is null) = (location_id is null)),
      constraint inbound_line_open_check check (sku is not null or (held = 0 and sold = 0))
    )`.execute(db);
  await sql`
    create index inbound_line_open_idx on inbound_line (merchant_id, channel_id, order_id)
    where sku is null and wanted > 0`.execute(db);
}

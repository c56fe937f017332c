import { sql, type Kysely } from 'kysely';

/** How much of each level is kept back: the rules, what they go by, and when they were applied. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // '' stands for any: a rule is for a SKU, a category or all, everywhere or at a location.
  await sql`
    create table safety_buffer (
      merchant_id    text collate "C" not null,
      category       text collate "C" not null,
      sku            text collate "C" not null,
      location_id    text collate "C" not null,
      strategy       text not null,
      -- null: as the settings say
      units          integer,
      percentage     double precision,
      lead_time_days double precision,
      service_level  double precision,
      window_days    integer,
      updated_at     timestamptz not null,
      constraint safety_buffer_pkey primary key (merchant_id, category, sku, location_id),
      constraint safety_buffer_merchant_fkey foreign key (merchant_id) references merchant,
      constraint safety_buffer_strategy_check
        check (strategy in ('static', 'dynamic', 'velocity_based')),
      constraint safety_buffer_place_check check (category = '' or sku = '')
    )`.execute(db);
  await sql`
    create table safety_category (
      merchant_id text collate "C" not null,
      sku         text collate "C" not null,
      category    text collate "C" not null,
      constraint safety_category_pkey primary key (merchant_id, sku),
      constraint safety_category_merchant_fkey foreign key (merchant_id) references merchant
    )`.execute(db);
  // Daily demand of a level over full days; it changes once a day.
  await sql`
    create table safety_demand (
      merchant_id text collate "C" not null,
      sku         text collate "C" not null,
      location_id text collate "C" not null,
      window_days integer not null,
      -- the day after the last one that counts, in UTC
      until_day   date not null,
      -- days that count: fewer than the window for a young level
      days        integer not null,
      mean        double precision not null,
      -- sample standard deviation; null: of fewer than two days there is none
      sigma       double precision,
      constraint safety_demand_pkey primary key (merchant_id, sku, location_id)
    ) with (fillfactor = 70)`.execute(db);
  await sql`
    create table safety_run (
      merchant_id  text collate "C" not null,
      -- a run that was asked for and has not ended; each request has another time
      requested_at timestamptz,
      next_run_at  timestamptz not null,
      started_at   timestamptz,
      finished_at  timestamptz,
      -- of the last run that ended
      levels       integer not null default 0,
      changed      integer not null default 0,
      -- what it went by where no rule says anything
      defaults     text,
      -- changes of stock up to this ledger entry have been followed
      followed     bigint,
      constraint safety_run_pkey primary key (merchant_id),
      constraint safety_run_merchant_fkey foreign key (merchant_id) references merchant
    ) with (fillfactor = 50)`.execute(db);
}

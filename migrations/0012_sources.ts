import { sql, type Kysely } from 'kysely';

/** Systems that tell us quantities: what they own, how far they were read, what they said. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createSource(db);
  await createFigures(db);
  await createQuarantine(db);
  await createRuns(db);
}

async function createSource(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table source (
      merchant_id      text collate "C" not null,
      source_id        text collate "C" not null,
      kind             text not null,
      mode             text not null,
      config           jsonb not null,
      -- sealed, bound to merchant and source
      credentials      bytea,
      -- null: as the settings say
      interval_minutes double precision,
      batch_size       integer,
      guards           jsonb not null,
      enabled          boolean not null,
      -- how far it was read, in the source's own words; null: never
      watermark        text,
      -- a full read on its way: { "generation", "cursor", "startedAt" }
      snapshot         jsonb,
      -- counts full reads: figures of an older one were missing from the newest
      generation       bigint not null default 0,
      -- +1 with every page: a page is committed only on the state it was read for
      revision         bigint not null default 0,
      -- the newest page with its counts, for a commit whose answer was lost
      last_page        jsonb,
      -- the source asked to be left alone until then (Retry-After)
      blocked_until    timestamptz,
      -- a run that was asked for and has not begun
      requested_run    text collate "C",
      next_run_at      timestamptz not null,
      created_at       timestamptz not null,
      updated_at       timestamptz not null,
      constraint source_pkey primary key (merchant_id, source_id),
      constraint source_merchant_fkey foreign key (merchant_id) references merchant,
      constraint source_mode_check check (mode in ('delta', 'full')),
      constraint source_interval_check check (interval_minutes > 0),
      constraint source_batch_size_check check (batch_size > 0)
    ) with (fillfactor = 50)`.execute(db);
  // One owner for a quantity at a location; '' stands for every location.
  await sql`
    create table source_ownership (
      merchant_id text collate "C" not null,
      quantity    stock_quantity not null,
      location_id text collate "C" not null,
      source_id   text collate "C" not null,
      constraint source_ownership_pkey primary key (merchant_id, quantity, location_id),
      constraint source_ownership_source_fkey foreign key (merchant_id, source_id)
        references source on delete cascade
    )`.execute(db);
  // Whether a merchant's sources are read by the clock; no row: they are.
  await sql`
    create table source_schedule (
      merchant_id      text collate "C" not null,
      stopped_at       timestamptz,
      -- of sources that have no interval of their own; null: as the settings say
      interval_seconds double precision,
      constraint source_schedule_pkey primary key (merchant_id),
      constraint source_schedule_merchant_fkey foreign key (merchant_id) references merchant,
      constraint source_schedule_interval_check check (interval_seconds > 0)
    )`.execute(db);
}

async function createFigures(db: Kysely<unknown>): Promise<void> {
  // What a source said last of each quantity, as it said it.
  await sql`
    create table source_figure (
      merchant_id text collate "C" not null,
      source_id   text collate "C" not null,
      sku         text collate "C" not null,
      location_id text collate "C" not null,
      quantity    stock_quantity not null,
      value       integer not null,
      version     text,
      observed_at timestamptz not null,
      item_id     text not null,
      -- of the full read that showed it last
      generation  bigint not null,
      recorded_at timestamptz not null,
      constraint source_figure_pkey
        primary key (merchant_id, source_id, sku, location_id, quantity),
      constraint source_figure_source_fkey foreign key (merchant_id, source_id)
        references source on delete cascade
    ) with (fillfactor = 70)`.execute(db);
  // Movements are taken once for their id.
  await sql`
    create table source_movement (
      merchant_id text collate "C" not null,
      source_id   text collate "C" not null,
      item_id     text collate "C" not null,
      recorded_at timestamptz not null,
      constraint source_movement_pkey primary key (merchant_id, source_id, item_id),
      constraint source_movement_source_fkey foreign key (merchant_id, source_id)
        references source on delete cascade
    )`.execute(db);
  // What could not be applied, and is tried again with every run.
  await sql`
    create table source_held_item (
      merchant_id text collate "C" not null,
      source_id   text collate "C" not null,
      -- a movement's id, or the place that a figure is about
      item_key    text collate "C" not null,
      item        jsonb not null,
      code        text not null,
      held_at     timestamptz not null,
      constraint source_held_item_pkey primary key (merchant_id, source_id, item_key),
      constraint source_held_item_source_fkey foreign key (merchant_id, source_id)
        references source on delete cascade
    )`.execute(db);
}

async function createQuarantine(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table source_quarantine (
      merchant_id   text collate "C" not null,
      quarantine_id text collate "C" not null,
      source_id     text collate "C" not null,
      sku           text collate "C" not null,
      location_id   text collate "C" not null,
      quantity      stock_quantity not null,
      -- of our level when it was put here
      current_value integer not null,
      value         integer not null,
      version       text,
      observed_at   timestamptz not null,
      item          jsonb not null,
      cause         text not null,
      -- parked: a fall to zero that waits for the end of the run
      status        text not null,
      run_id        text collate "C" not null,
      created_at    timestamptz not null,
      decided_at    timestamptz,
      decided_by    text,
      constraint source_quarantine_pkey primary key (merchant_id, quarantine_id),
      constraint source_quarantine_source_fkey foreign key (merchant_id, source_id)
        references source on delete cascade,
      constraint source_quarantine_cause_check check (cause in ('mass_zero', 'max_delta')),
      constraint source_quarantine_status_check
        check (status in ('parked', 'pending', 'approved', 'refused', 'superseded'))
    )`.execute(db);
  // At most one that is open for each place.
  await sql`
    create unique index source_quarantine_open_key
    on source_quarantine (merchant_id, source_id, sku, location_id, quantity)
    where status in ('parked', 'pending')`.execute(db);
  await sql`
    create index source_quarantine_place_idx
    on source_quarantine (merchant_id, source_id, sku, location_id, quantity, observed_at)
    where status in ('parked', 'pending', 'refused')`.execute(db);
}

async function createRuns(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table source_run (
      merchant_id  text collate "C" not null,
      -- one request for several sources is one run of each
      run_id       text collate "C" not null,
      source_id    text collate "C" not null,
      trigger      text not null,
      status       text not null,
      code         text,
      pages        integer not null default 0,
      read         integer not null default 0,
      applied      integer not null default 0,
      unchanged    integer not null default 0,
      stale        integer not null default 0,
      refused      integer not null default 0,
      held         integer not null default 0,
      quarantined  integer not null default 0,
      started_at   timestamptz not null,
      finished_at  timestamptz,
      constraint source_run_pkey primary key (merchant_id, source_id, run_id),
      constraint source_run_source_fkey foreign key (merchant_id, source_id)
        references source on delete cascade,
      constraint source_run_trigger_check check (trigger in ('schedule', 'request', 'push')),
      constraint source_run_status_check check (status in
        ('running', 'succeeded', 'failed', 'blocked', 'stopped', 'interrupted'))
    ) with (fillfactor = 70)`.execute(db);
  await sql`
    create index source_run_id_idx on source_run (merchant_id, run_id)`.execute(db);
}

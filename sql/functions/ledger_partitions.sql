-- The ledger's partitions, oldest first, with what they cover: whole months, by UTC. The oldest of
-- a database that is older than its partitions begins at -infinity. Without the one that takes what
-- no other covers.
create or replace function ledger_partitions()
returns table (name text, from_at timestamptz, to_at timestamptz)
language sql stable as $$
  select c.relname::text,
    coalesce(
      substring(b.text from 'FROM \(''([^'']+)''\)')::timestamptz, timestamptz '-infinity'),
    substring(b.text from 'TO \(''([^'']+)''\)')::timestamptz
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  cross join lateral (select pg_get_expr(c.relpartbound, c.oid) as text) b
  where i.inhparent = 'ledger_entry'::regclass and b.text <> 'DEFAULT'
  order by 3
$$;

-- Makes the partition of a month, if none covers it. Entries of that month that were recorded
-- before it had one are moved into it.
--
-- The keys stand on the partitions and not on the ledger as a whole, whose keys would have to
-- contain the time. Within a month Postgres refuses a second entry of a version; over months the
-- level's own version does (stock_commit moves it on by compare and set, in the same transaction),
-- and audit.version_not_contiguous shows what went around it.
create or replace function ledger_make_partition(p_at timestamptz)
returns boolean language plpgsql as $$
declare
  v_from timestamptz := date_trunc('month', p_at, 'UTC');
  v_to timestamptz := date_trunc('month', v_from + interval '32 days', 'UTC');
  v_name text := 'ledger_entry_' || to_char(v_from at time zone 'UTC', 'YYYY_MM');
begin
  if exists (select from ledger_partitions() p where p.from_at < v_to and p.to_at > v_from) then
    return false;
  end if;
  -- One process at a time, and not for long: whoever waits here makes every writer wait behind it.
  lock table ledger_entry in share update exclusive mode;
  if exists (select from ledger_partitions() p where p.from_at < v_to and p.to_at > v_from) then
    return false;
  end if;
  execute format(
    'create table %I (like ledger_entry including defaults including constraints,
       constraint %I primary key (merchant_id, sku, location_id, version, quantity))',
    v_name, v_name || '_pkey');
  lock table ledger_entry_other in access exclusive mode;
  execute format(
    'with moved as (
       delete from ledger_entry_other where recorded_at >= $1 and recorded_at < $2 returning *)
     insert into %I select * from moved', v_name) using v_from, v_to;
  execute format(
    'alter table ledger_entry attach partition %I for values from (%L) to (%L)',
    v_name, v_from, v_to);
  return true;
end
$$;

-- Makes the partitions of a month and the next ones, as far as they are missing.
-- Returns how many were made.
create or replace function ledger_make_partitions(p_at timestamptz, p_ahead integer)
returns integer language plpgsql as $$
declare
  v_month timestamptz := date_trunc('month', p_at, 'UTC');
  v_made integer := 0;
begin
  for i in 0 .. p_ahead loop
    if ledger_make_partition(v_month) then v_made := v_made + 1; end if;
    v_month := date_trunc('month', v_month + interval '32 days', 'UTC');
  end loop;
  return v_made;
end
$$;

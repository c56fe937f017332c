-- Invariant 3: the versions of a level's ledger are 1..n, one command each, and n is the level's.

-- Reads the ledger in the order of its primary key: 28 s for 10 million entries.
create or replace view audit.version_not_contiguous as
select merchant_id, sku, location_id, previous_version, version,
  case when version = previous_version then 'two commands at one version' else 'gap' end as problem
from (
  select merchant_id, sku, location_id, version, command_id,
    coalesce(lag(version) over level, 0) as previous_version,
    lag(command_id) over level as previous_command
  from ledger_entry
  window level as (partition by merchant_id, sku, location_id order by version, quantity)
) e
where version > previous_version + 1
  or (version = previous_version and command_id <> previous_command);

comment on view audit.version_not_contiguous is
  'violation: between two entries of a level a version is missing, or two commands share one: an '
  'entry was lost, or two writers did not see each other.';

-- 8 s for a million levels.
create or replace view audit.version_differs as
select s.merchant_id, s.sku, s.location_id, s.version as level_version,
  coalesce(e.version, 0) as ledger_version
from stock_level s
left join lateral (
  -- one probe of the primary key for each level
  select version from ledger_entry e
  where e.merchant_id = s.merchant_id and e.sku = s.sku and e.location_id = s.location_id
  order by e.version desc limit 1) e on true
where s.version is distinct from e.version;

comment on view audit.version_differs is
  'violation: a level''s version is not that of its newest ledger entry (0: it has none): one of '
  'them was written without the other.';

-- For those who tell channels what changed: what a channel did by itself is looked for in the ledger
-- only where a level says that some channel did something.

create or replace view audit.channel_version_differs as
select s.merchant_id, s.sku, s.location_id, s.channel_version, e.version
from stock_level s
join (
  select merchant_id, sku, location_id, max(version) as version
  from ledger_entry where source_channel is not null
  group by merchant_id, sku, location_id
) e using (merchant_id, sku, location_id)
where s.channel_version < e.version;

comment on view audit.channel_version_differs is
  'violation: a channel made a later version of the level than the level says: what the channel '
  'knows by itself would be told to it again.';

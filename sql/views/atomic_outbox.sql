-- Invariant 5: a change and its outbox message commit together. A message that was relayed is gone;
-- that none was lost shows in audit.listing_behind.

create or replace view audit.outbox_without_entry as
select o.merchant_id, o.message_id, o.sku, o.location_id, o.version, o.recorded_at
from outbox_message o
where not exists (
  select from ledger_entry e
  where e.merchant_id = o.merchant_id and e.sku = o.sku and e.location_id = o.location_id
    and e.version = o.version);

comment on view audit.outbox_without_entry is
  'violation: a message tells of a change that the ledger does not have.';

create or replace view audit.outbox_duplicate as
select merchant_id, sku, location_id, version, count(*) as messages
from outbox_message
group by merchant_id, sku, location_id, version
having count(*) > 1;

comment on view audit.outbox_duplicate is
  'violation: two messages tell of the same version of a level: a change was committed twice.';

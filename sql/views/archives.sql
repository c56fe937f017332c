-- What was taken out of the ledger. Archives follow each other: nothing lies between two of them.

create or replace view audit.archives as
select from_at, to_at, entries, file, bytes, sha256, archived_at, archived_by as who
from ledger_archive;

comment on view audit.archives is
  'information: months that were taken out of the ledger, and the files they are in. '
  'onhand ledger verify reads the files again.';

-- Reads the end of the ledger that is left, so nothing when the archive is whole.
create or replace view audit.archived_entry_left as
select e.merchant_id, e.sku, e.location_id, e.version, e.quantity, o.version as archived_version,
  e.recorded_at
from (select max(to_at) as to_at from ledger_archive) a
join ledger_entry e on e.recorded_at < a.to_at
left join ledger_opening o using (merchant_id, sku, location_id);

comment on view audit.archived_entry_left is
  'violation: the ledger has an entry of a time that is archived: it was put there afterwards, or '
  'a month was archived only in part.';

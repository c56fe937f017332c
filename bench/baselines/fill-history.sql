-- The past of a shop: `$levels` levels with `$entries` ledger entries each, in the order in which
-- time would have written them. Every invariant holds, so the audit views stay empty.
insert into location (merchant_id, location_id) values ('default', 'main');

do $$
declare
  v_version integer;
  v_at timestamptz;
begin
  for v_version in 1..$entries loop
    v_at := now() - ($entries - v_version + 1) * interval '1 hour';
    insert into ledger_entry (merchant_id, sku, location_id, version, quantity, delta,
      balance_after, reason, actor, command_id, occurred_at, recorded_at)
    select 'default', 'SKU-' || n, 'main', v_version, 'on_hand',
      case when v_version = 1 then $plenty when v_version % 2 = 0 then -1 else 1 end,
      case when v_version % 2 = 0 then $plenty - 1 else $plenty end,
      'history', 'bench', gen_random_uuid(), v_at, v_at
    from generate_series(1, $levels) n;
  end loop;
end
$$;

insert into stock_level (merchant_id, sku, location_id, on_hand, version, updated_at)
select 'default', 'SKU-' || n, 'main',
  case when $entries % 2 = 0 then $plenty - 1 else $plenty end, $entries, now() - interval '1 hour'
from generate_series(1, $levels) n;

-- The insurance asks what the shop had at noon on 20 November.

-- The newest balance of each quantity that was recorded by then.
select distinct on (sku, store, quantity) sku, store, quantity, balance as units,
  recorded_at as since, why, who
from audit.ledger
where merchant = 'default' and recorded_at <= '2026-11-20 12:00Z'
order by sku, store, quantity, version desc;

-- Beside what is there now, and what was sold since.
select s.sku, s.store, s.on_hand as now,
  s.on_hand - coalesce(sum(l.delta), 0)::integer as at_noon, coalesce(sum(l.delta), 0) as since
from audit.stock s
left join audit.ledger l on l.merchant = s.merchant and l.sku = s.sku and l.store = s.store
  and l.quantity = 'on_hand' and l.recorded_at > '2026-11-20 12:00Z'
where s.merchant = 'default'
group by s.sku, s.store, s.on_hand
order by s.sku;

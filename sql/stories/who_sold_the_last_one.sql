-- A customer was told at 12:15 that the lamp is sold out, though "the website had one a moment ago".
-- Who sold the last one?

-- Each time the lamp ran out, and by which sale.
select recorded_at, channel, why, reference, who, delta, balance
from audit.ledger
where merchant = 'default' and sku = 'lamp' and quantity = 'on_hand'
  and balance = 0 and delta < 0
order by version;

-- What happened around it, to show the customer: nobody was sold what was not there.
select version, recorded_at, channel, reference, delta, balance
from audit.ledger
where merchant = 'default' and sku = 'lamp' and quantity = 'on_hand'
order by version;

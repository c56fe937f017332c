-- The auditor's first question: is what the system shows what its books say?

-- Units of each quantity over all levels, beside the sum of the ledger.
select quantity, levels, ledger, difference from audit.totals
where merchant = 'default' and (levels <> 0 or ledger <> 0)
order by quantity;

-- Level by level, and balance by balance: rows here would be faults.
select * from audit.ledger_sum_differs;
select * from audit.ledger_balance_broken;
select * from audit.version_not_contiguous;

-- Somebody with the database's password makes a lamp out of nothing.
update stock_level set on_hand = on_hand + 1 where merchant_id = 'default' and sku = 'lamp';

-- The books tell on them.
select sku, location_id, quantity, level, ledger from audit.ledger_sum_differs;

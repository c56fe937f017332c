-- A quantity of what a level was where its archive ends; null when nothing of it is archived.
create or replace function opening_units(o ledger_opening, p_quantity stock_quantity)
returns integer language sql immutable as $$
  select case p_quantity
    when 'on_hand' then o.on_hand
    when 'reserved' then o.reserved
    when 'allocated' then o.allocated
    when 'open_orders' then o.open_orders
    when 'pending_sales' then o.pending_sales
    when 'unavailable' then o.unavailable
    when 'safety_stock' then o.safety_stock
    when 'incoming' then o.incoming
  end
$$;

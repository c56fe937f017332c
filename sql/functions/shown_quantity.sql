-- What a channel is shown of what is available, as src/channels/shown-quantity.ts computes it
-- without the wider buffer of a channel that lags.
create or replace function shown_quantity(p_available bigint, p_buffer jsonb, p_is_paused boolean)
returns bigint language sql immutable as $$
  select case when p_is_paused then 0 else least(
    (p_buffer ->> 'max')::bigint,
    greatest(0, s.part - greatest(coalesce((p_buffer ->> 'units')::bigint, 0),
      ceil(s.part * coalesce((p_buffer ->> 'percent')::numeric, 0) / 100)::bigint))) end
  from (select floor(greatest(p_available, 0)
    * coalesce((p_buffer ->> 'share')::numeric, 1))::bigint as part) s
$$;

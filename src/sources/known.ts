import type { PoolClient } from 'pg';
import { quantityColumn } from '../stock/index.ts';
import { ownershipOf, type Ownership } from './ownership.ts';
import { readKept, type Place, type SourceItem } from './source.ts';
import type { QuarantineStatus } from './tables.ts';

/** What a source had said of a place before. */
export type KnownFigure = {
  readonly value: number;
  readonly version: string | null;
  readonly observedAt: Date;
};

/** A figure that was taken. */
export type TakenFigure = KnownFigure & {
  /** Of the full read that showed it last. */
  readonly generation: number;
  /** The level's version when the source spoke of it first. */
  readonly firstVersion: number;
  /** A full read did not show it: it is gone at the source, or waits to be. */
  readonly isMissing: boolean;
};

/** A movement that no figure taken since has in it. */
export type KnownMovement = KnownFigure & { readonly id: string; readonly recordedAt: Date };

export type KnownQuarantine = KnownFigure & { readonly status: QuarantineStatus };

/** What is known of the places that a page is about. */
export type Known = {
  readonly ownership: Ownership;
  /** The figure taken last, by place. */
  readonly figures: ReadonlyMap<string, TakenFigure>;
  /** The newest that is open or was refused, by place. */
  readonly quarantine: ReadonlyMap<string, KnownQuarantine>;
  /** Figures that could not be applied and wait, by place. */
  readonly held: ReadonlyMap<string, KnownFigure>;
  /** Ids of movements that were taken already. */
  readonly movements: ReadonlySet<string>;
  /** Movements that the figures do not have in them, by place. */
  readonly moved: ReadonlyMap<string, readonly KnownMovement[]>;
};

/** A map key for what one figure is about; no id has the separator in it. */
export function placeOf({ sku, storeId, quantity }: Place): string {
  return `${sku}\u0000${storeId}\u0000${quantity}`;
}

/** What an item is kept by while it waits: a movement by itself, a figure for its place. */
export function heldKey(item: Pick<SourceItem, 'id' | 'op'> & Place): string {
  return item.op === 'adjust'
    ? JSON.stringify(['movement', item.id])
    : JSON.stringify(['figure', item.sku, item.storeId, item.quantity]);
}

const ownershipQuery = `
  select quantity, location_id, source_id from source_ownership where merchant_id = $1`;

/* Each place is looked up by itself, as in the batch's read: a join's plan would not stay good. */
const places = `
  unnest($3::text[], $4::text[], $5::stock_quantity[]) with ordinality
    as u(sku, location_id, quantity, position)`;
const figuresQuery = `
  select u.position, f.value, f.version, f.observed_at, f.generation, f.first_version,
    f.missing or exists (
      select from source_quarantine q
      where q.merchant_id = $1 and q.source_id = $2 and q.sku = u.sku
        and q.location_id = u.location_id and q.quantity = u.quantity
        and q.status in ('parked', 'pending') and q.item -> 'missingIn' is not null)
  from ${places}
  cross join lateral (
    select * from source_figure f
    where f.merchant_id = $1 and f.source_id = $2 and f.sku = u.sku
      and f.location_id = u.location_id and f.quantity = u.quantity
    offset 0) f`;
/* What was missing orders nothing: the source has not said anything. */
const quarantineQuery = `
  select u.position, q.value, q.version, q.observed_at, q.status
  from ${places}
  cross join lateral (
    select * from source_quarantine q
    where q.merchant_id = $1 and q.source_id = $2 and q.sku = u.sku
      and q.location_id = u.location_id and q.quantity = u.quantity
      and q.status in ('parked', 'pending', 'refused') and q.item -> 'missingIn' is null
    order by q.observed_at desc, q.status <> 'refused' desc limit 1) q`;
const heldQuery = `
  select h.item from unnest($3::text[]) as u(item_key)
  cross join lateral (
    select item from source_held_item h
    where h.merchant_id = $1 and h.source_id = $2 and h.item_key = u.item_key
    offset 0) h`;
const movementsQuery = `
  select u.id from unnest($3::text[]) as u(id)
  cross join lateral (
    select from source_movement m
    where m.merchant_id = $1 and m.source_id = $2 and m.item_id = u.id
    offset 0) m`;

const movedQuery = `
  select u.position, m.value, m.version, m.observed_at, m.item_id, m.recorded_at
  from ${places}
  cross join lateral (
    select * from source_movement m
    where m.merchant_id = $1 and m.source_id = $2 and m.sku = u.sku
      and m.location_id = u.location_id and m.quantity = u.quantity and not m.settled
    offset 0) m`;

type FigureRow = [string | number, number, string | null, Date];
type TakenRow = [...FigureRow, number, number, boolean];
type MovedRow = [...FigureRow, string, Date];
type QuarantineRow = [...FigureRow, QuarantineStatus];

/** Reads what is known of the places of some items, in one round trip. */
export async function readKnown(
  client: PoolClient,
  merchantId: string,
  sourceId: string,
  items: readonly SourceItem[],
): Promise<Known> {
  const at = [...new Map(items.map((item) => [placeOf(item), item])).values()];
  const ids = items.filter(({ op }) => op === 'adjust').map(({ id }) => id);
  const owner = [merchantId, sourceId];
  const columns = [
    at.map(({ sku }) => sku),
    at.map(({ storeId }) => storeId),
    at.map(({ quantity }) => quantityColumn[quantity]),
  ];
  const [ownership, figures, quarantine, held, movements, moved] = await Promise.all([
    client.query<{ quantity: string; location_id: string; source_id: string }>(ownershipQuery, [
      merchantId,
    ]),
    client.query<TakenRow>({
      name: 'source_figures',
      text: figuresQuery,
      values: [...owner, ...columns],
      rowMode: 'array',
    }),
    client.query<QuarantineRow>({
      name: 'source_quarantined',
      text: quarantineQuery,
      values: [...owner, ...columns],
      rowMode: 'array',
    }),
    client.query<{ item: unknown }>({
      name: 'source_held',
      text: heldQuery,
      values: [...owner, at.map((place) => heldKey({ ...place, op: 'set' }))],
    }),
    client.query<{ id: string }>({
      name: 'source_movements',
      text: movementsQuery,
      values: [...owner, ids],
    }),
    client.query<MovedRow>({
      name: 'source_moved',
      text: movedQuery,
      values: [...owner, ...columns],
      rowMode: 'array',
    }),
  ]);
  const placeAt = (position: string | number): string => {
    const place = at[Number(position) - 1];
    if (place === undefined) throw new Error('an answer for a place that was not asked for');
    return placeOf(place);
  };
  return {
    ownership: ownershipOf(ownership.rows),
    figures: new Map(
      figures.rows.map(([position, ...row]) => {
        const [value, version, observedAt, generation, firstVersion, isMissing] = row;
        const order = { value, version, observedAt };
        return [placeAt(position), { ...order, generation, firstVersion, isMissing }];
      }),
    ),
    quarantine: new Map(
      quarantine.rows.map(([position, value, version, observedAt, status]) => [
        placeAt(position),
        { value, version, observedAt, status },
      ]),
    ),
    held: new Map(
      readKept(held.rows.map(({ item }) => item))
        .filter(({ missingIn }) => missingIn === undefined)
        .map((item) => [
          placeOf(item),
          { value: item.value, version: item.version ?? null, observedAt: item.observedAt },
        ]),
    ),
    movements: new Set(movements.rows.map(({ id }) => id)),
    moved: movedByPlace(moved.rows, placeAt),
  };
}

function movedByPlace(
  rows: readonly MovedRow[],
  placeAt: (position: string | number) => string,
): ReadonlyMap<string, readonly KnownMovement[]> {
  const groups = Map.groupBy(rows, ([position]) => placeAt(position));
  return new Map(
    [...groups].map(([place, group]) => [
      place,
      group.map(([, value, version, observedAt, id, recordedAt]) => {
        return { id, value, version, observedAt, recordedAt };
      }),
    ]),
  );
}

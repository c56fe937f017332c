import type { PoolClient } from 'pg';
import { numberArray, textArray, timeArray } from '../db/index.ts';
import { quantityColumn, type LevelKey, type Quantity } from './level.ts';

/** What a figure of somebody else's cannot have known. */
export type LaterQuestion = {
  readonly level: LevelKey;
  /** As the level was read: entries up to it count. */
  readonly version: number;
  /** When that version was recorded, in ms since 1970; 0 where there is no level. */
  readonly updatedAtMs: number;
  readonly quantity: Quantity;
  /** When the figure was true. */
  readonly since: Date;
  /** Whose entries it knows, whenever they were recorded. */
  readonly knownActor: string;
  /** Of those, entries with this reason are movements: on a count they count all the same. */
  readonly movementReason: string;
  /** The level's version when they spoke of the quantity first; null: they have not yet. */
  readonly firstVersion: number | null;
};

/** What comes on top of a figure, or of the count that is newer than it. */
export type LaterUnits = {
  /** What was counted last since then; null: nobody has counted. */
  readonly counted: number | null;
  /** The sum of what moved since. */
  readonly units: number;
};

/*
 * A level's entries are read from the newest snapshot that was recorded by then: some hundred more
 * than there are later ones at the most, however long its history is, and of the months since only.
 * (Clocks of two processes may differ by less than a round trip: hence the second. Asked for in the
 * order of versions, entries are found by the primary key also by a plan that was made while the
 * ledger was empty; by the other index the same question took 0.8 ms for each level.)
 */
const laterQuery = `
  select archive.is_later, later.counted, later.units
  from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::stock_quantity[],
              $6::timestamptz[], $7::text[], $8::text[], $9::bigint[])
       with ordinality as u(merchant_id, sku, location_id, version, quantity, since, actor, reason,
                            first_version, position)
  cross join lateral (
    select exists (
      select from ledger_opening o
      where o.merchant_id = u.merchant_id and o.sku = u.sku and o.location_id = u.location_id
        and o.recorded_at > u.since) as is_later offset 0) archive
  cross join lateral (
    select coalesce((
      select s.version from stock_snapshot s
      where s.merchant_id = u.merchant_id and s.sku = u.sku and s.location_id = u.location_id
        and s.recorded_at <= u.since - interval '1 second'
      order by s.recorded_at desc, s.version desc limit 1), 0) as version offset 0) base
  cross join lateral (
    select coalesce(array_agg(c.version), '{}') as versions from stock_count c
    where c.merchant_id = u.merchant_id and c.sku = u.sku and c.location_id = u.location_id
      and c.version > base.version and c.version <= u.version offset 0) counts
  cross join lateral (
    select
      max(e.balance_after) filter (where e.version = e.counted_at) as counted,
      coalesce(sum(e.delta) filter (where not e.is_count and (case
        when e.counted_at is null then e.actor is distinct from u.actor
        else e.version > e.counted_at
          and (e.actor is distinct from u.actor or e.reason = u.reason) end)), 0)::bigint as units
    from (
      select e.*,
        -- What was counted before they spoke at all was in the place of their figure.
        max(e.version) filter (where e.is_count and e.version > u.first_version) over ()
          as counted_at
      from (
        select e.version, e.delta, e.balance_after, e.actor, e.reason,
          e.version = any (counts.versions) as is_count
        from ledger_entry e
        where e.merchant_id = u.merchant_id and e.sku = u.sku and e.location_id = u.location_id
          and e.version > base.version and e.version <= u.version and e.quantity = u.quantity
          and e.recorded_at > u.since
        order by e.version offset 0) e) e) later
  order by u.position`;

/** No level has as many versions. */
const neverSpoken = Number.MAX_SAFE_INTEGER;

type Row = [isArchived: boolean, counted: number | null, units: number];

/**
 * For each question what was recorded on the quantity after `since`, up to the version that was
 * read: what is to be done again on top of a figure that was true at that time. Null when some of
 * it is archived, so that nobody can tell.
 *
 * A count moves nothing. One from before they spoke first stood in for their figure, and is left
 * out; a later one is newer than the figure, and stands in its place.
 */
export async function laterUnits(
  client: PoolClient,
  questions: readonly LaterQuestion[],
): Promise<readonly (LaterUnits | null)[]> {
  // Of most of what a full read tells nothing was sold since: their levels say so themselves.
  const changed = questions.filter(({ updatedAtMs, since }) => updatedAtMs > since.getTime());
  const answers = await askLedger(client, changed);
  const later = new Map(changed.map((question, index) => [question, answers[index] ?? null]));
  return questions.map((question) => {
    const answer = later.get(question);
    return answer === undefined ? nothing : answer;
  });
}

const nothing: LaterUnits = { counted: null, units: 0 };

async function askLedger(
  client: PoolClient,
  questions: readonly LaterQuestion[],
): Promise<readonly (LaterUnits | null)[]> {
  if (questions.length === 0) return [];
  const { rows } = await client.query<Row>({
    name: 'stock_later_units',
    text: laterQuery,
    values: [
      textArray(questions.map(({ level }) => level.merchantId)),
      textArray(questions.map(({ level }) => level.sku)),
      textArray(questions.map(({ level }) => level.storeId)),
      numberArray(questions.map(({ version }) => version)),
      textArray(questions.map(({ quantity }) => quantityColumn[quantity])),
      timeArray(questions.map(({ since }) => since)),
      textArray(questions.map(({ knownActor }) => knownActor)),
      textArray(questions.map(({ movementReason }) => movementReason)),
      numberArray(questions.map(({ firstVersion }) => firstVersion ?? neverSpoken)),
    ],
    rowMode: 'array',
  });
  return rows.map(([isArchived, counted, units]) => (isArchived ? null : { counted, units }));
}

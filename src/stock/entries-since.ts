import { sql } from 'kysely';
import type { Db, Tx } from '../db/index.ts';
import { entryIdOf, quantityFromColumn } from './ledger.ts';
import { quantityColumn, type LevelKey, type Quantity } from './level.ts';

/** A ledger entry, short. */
export type EntryNote = {
  readonly entryId: string;
  readonly version: number;
  readonly quantity: Quantity;
  readonly delta: number;
  readonly reason: string | null;
  readonly actor: string | null;
  readonly sourceChannel: string | null;
  readonly recordedAt: string;
};

/** The newest entries of a level, newest first, and how many there are. */
export type EntriesSince = { readonly count: number; readonly newest: readonly EntryNote[] };

export type EntriesQuestion = {
  readonly level: LevelKey;
  /** Of this quantity only. */
  readonly quantity?: Quantity | undefined;
  /** Recorded after that; null: since ever. */
  readonly since: Date | null;
};

/** So many are given back, and so many counted at the most. */
const mostNotes = 20;
const mostCounted = 100;

type Row = {
  position: number;
  entry_id: number;
  version: number;
  quantity: string;
  delta: number;
  reason: string | null;
  actor: string | null;
  source_channel: string | null;
  recorded_at: Date;
};

/**
 * What the ledger says of levels since a time each. Read from the newest entry backwards, so that a
 * long history costs nothing; no more than 100 are counted.
 */
export async function entriesSince(
  db: Db | Tx,
  questions: readonly EntriesQuestion[],
): Promise<readonly EntriesSince[]> {
  if (questions.length === 0) return [];
  const column = (q: EntriesQuestion): string | null =>
    q.quantity === undefined ? null : quantityColumn[q.quantity];
  const { rows } = await sql<Row>`
    select u.position::integer as position, e.entry_id, e.version, e.quantity::text as quantity,
      e.delta, e.reason, e.actor, e.source_channel, e.recorded_at
    from unnest(${questions.map(({ level }) => level.merchantId)}::text[],
        ${questions.map(({ level }) => level.sku)}::text[],
        ${questions.map(({ level }) => level.storeId)}::text[],
        ${questions.map(column)}::stock_quantity[],
        ${questions.map(({ since }) => since)}::timestamptz[]) with ordinality
      as u(merchant_id, sku, location_id, quantity, since, position)
    cross join lateral (
      select * from (
        select * from ledger_entry e
        where e.merchant_id = u.merchant_id and e.sku = u.sku and e.location_id = u.location_id
        order by e.version desc limit ${mostCounted}) e
      where (u.since is null or e.recorded_at > u.since)
        and (u.quantity is null or e.quantity = u.quantity)
      order by e.version desc) e
    order by u.position, e.version desc`.execute(db);
  const byPosition = Map.groupBy(rows, ({ position }) => position);
  return questions.map((_question, index) => {
    const found = byPosition.get(index + 1) ?? [];
    return { count: found.length, newest: found.slice(0, mostNotes).map(noteOf) };
  });
}

function noteOf(row: Row): EntryNote {
  return {
    entryId: entryIdOf(row.entry_id),
    version: row.version,
    quantity: quantityFromColumn(row.quantity),
    delta: row.delta,
    reason: row.reason,
    actor: row.actor,
    sourceChannel: row.source_channel,
    recordedAt: row.recorded_at.toISOString(),
  };
}

import { sql } from 'kysely';
import { plannedOnce, textArray, type Db } from '../db/index.ts';
import type { ChannelRow } from './channel.ts';
import type { DeliveryJob } from './delivery-job.ts';

/** A listing that a job has to see to, beside its newest level. */
export type DueListing = {
  readonly jobId: string;
  readonly sku: string;
  readonly storeId: string;
  readonly externalIds: unknown;
  readonly publishedQuantity: number | null;
  readonly publishedOnHand: number | null;
  readonly publishedVersion: number;
  readonly pendingSince: Date | null;
  /** A republish that was asked for. */
  readonly nonce: string | null;
  /** By which rules the figure it was told was made. */
  readonly toldRules: number;
  /** +1 with each change of the listing's own rules. */
  readonly rulesVersion: number;
  /** The operator shows 0 of it. */
  readonly isPaused: boolean;
  /** A figure that was sent and never answered. */
  readonly unansweredQuantity: number | null;
  /** Null: the SKU has no stock level there. */
  readonly level: {
    readonly version: number;
    readonly recordedAt: Date;
    readonly onHand: number;
    /** As the ledger has it; may be below 0. */
    readonly available: number;
    /** Units whose hold has ended but was not swept: available as well. */
    readonly endedHolds: number;
  } | null;
  /** What the channel itself did to the level since it was last told. */
  readonly own: {
    readonly versions: number;
    readonly effect: number;
    /** One of them left `available` as it was: a sale that had been reserved. */
    readonly hasNoEffect: boolean;
    /** Of what it had done before it was told, and we came to know after: its figure is ours. */
    readonly overwrittenEffect: number;
    readonly hasOverwritten: boolean;
  };
};

export type ReadListings = {
  /** The moment of the read by the database's clock, moved by the offset. */
  readonly readAt: Date;
  /** Undefined when the channel is gone. */
  readonly channelUpdatedAt: Date | undefined;
  readonly due: readonly DueListing[];
};

/** What stands for the whole read, in a row of its own. */
type First = { read_at: Date; channel_updated_at: Date };

/** Null is none, zero or false. */
type Row = {
  position: number;
  external_ids: unknown;
  published_quantity: number | null;
  published_on_hand: number | null;
  published_version: number;
  pending_since: Date | null;
  force_nonce: string | null;
  version: number | null;
  recorded_at: Date | null;
  on_hand: number | null;
  available: number | null;
  ended_holds: number | null;
  own_versions: number | null;
  own_effect: number | null;
  own_without_effect: boolean | null;
  overwritten_effect: number | null;
  has_overwritten: boolean | null;
  told_rules: number;
  rules_version: number;
  is_paused: boolean | null;
  unanswered_quantity: number | null;
};

/** Reads what jobs have to see to: the listings that still belong to them, each once. */
export async function readListings(
  db: Db,
  channel: ChannelRow,
  jobs: readonly DeliveryJob[],
  offsetMs: number,
): Promise<ReadListings> {
  const keys = jobs.flatMap(({ jobId, listings }) =>
    listings.map(([sku, storeId]) => ({ jobId, sku, storeId })),
  );
  const texts = (column: (key: (typeof keys)[number]) => string) => textArray(keys.map(column));
  const { rows } = await sql`${sql.raw(plannedOnce)}
    select * from delivery_read(${channel.merchant_id}, ${channel.channel_id},
      ${texts(({ jobId }) => jobId)}::uuid[], ${texts(({ sku }) => sku)}::text[],
      ${texts(({ storeId }) => storeId)}::text[], ${offsetMs}::double precision)`.execute(db);
  const [first, ...others] = rows as [First | undefined, ...Row[]];
  return {
    readAt: first?.read_at ?? new Date(0),
    channelUpdatedAt: first?.channel_updated_at,
    due: others.flatMap((row) => {
      const key = keys[row.position - 1];
      return key === undefined ? [] : [toDue(key, row)];
    }),
  };
}

function toDue(key: { jobId: string; sku: string; storeId: string }, row: Row): DueListing {
  const { version, recorded_at: recordedAt, on_hand: onHand, available } = row;
  const exists = version !== null && recordedAt !== null && onHand !== null && available !== null;
  return {
    ...key,
    externalIds: row.external_ids,
    publishedQuantity: row.published_quantity,
    publishedOnHand: row.published_on_hand,
    publishedVersion: row.published_version,
    pendingSince: row.pending_since,
    nonce: row.force_nonce,
    toldRules: row.told_rules,
    rulesVersion: row.rules_version,
    isPaused: row.is_paused ?? false,
    unansweredQuantity: row.unanswered_quantity,
    level: exists
      ? { version, recordedAt, onHand, available, endedHolds: row.ended_holds ?? 0 }
      : null,
    own: {
      versions: row.own_versions ?? 0,
      effect: row.own_effect ?? 0,
      hasNoEffect: row.own_without_effect ?? false,
      overwrittenEffect: row.overwritten_effect ?? 0,
      hasOverwritten: row.has_overwritten ?? false,
    },
  };
}

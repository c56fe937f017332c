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

/** Null is none, zero or false. */
type Row = [
  position: number,
  externalIds: unknown,
  publishedQuantity: number | null,
  publishedOnHand: number | null,
  publishedVersion: number,
  pendingSinceMs: number | null,
  nonce: string | null,
  toldRules: number,
  rulesVersion: number,
  isPaused: boolean | null,
  unansweredQuantity: number | null,
  version: number | null,
  recordedAtMs: number | null,
  onHand: number | null,
  available: number | null,
  endedHolds: number | null,
  ownVersions: number | null,
  ownEffect: number | null,
  ownWithoutEffect: boolean | null,
  overwrittenEffect: number | null,
  hasOverwritten: boolean | null,
];

const fields = sql.raw(`
  r.position, r.external_ids, r.published_quantity, r.published_on_hand, r.published_version,
  date_part('epoch', r.pending_since) * 1000, r.force_nonce, r.told_rules, r.rules_version,
  r.is_paused, r.unanswered_quantity, r.version, date_part('epoch', r.recorded_at) * 1000,
  r.on_hand, r.available, r.ended_holds, r.own_versions, r.own_effect, r.own_without_effect,
  r.overwritten_effect, r.has_overwritten`);

type Answer = { read_at: Date | null; channel_updated_at: Date | null; due: Row[] | null };

/**
 * Reads what jobs have to see to: the listings that still belong to them, each once. They come as
 * one JSON text: to read twenty columns of each one by one costs Node a fifth of a delivery.
 */
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
  const { rows } = await sql<Answer>`${sql.raw(plannedOnce)}
    select max(r.read_at) as read_at, max(r.channel_updated_at) as channel_updated_at,
      json_agg(json_build_array(${fields})) filter (where r.read_at is null) as due
    from delivery_read(${channel.merchant_id}, ${channel.channel_id},
      ${texts(({ jobId }) => jobId)}::uuid[], ${texts(({ sku }) => sku)}::text[],
      ${texts(({ storeId }) => storeId)}::text[], ${offsetMs}::double precision) r`.execute(db);
  const [answer] = rows;
  return {
    readAt: answer?.read_at ?? new Date(0),
    channelUpdatedAt: answer?.channel_updated_at ?? undefined,
    due: (answer?.due ?? []).flatMap((row) => {
      const key = keys[row[0] - 1];
      return key === undefined ? [] : [toDue(key, row)];
    }),
  };
}

function toDue(
  key: { jobId: string; sku: string; storeId: string },
  [
    ,
    externalIds,
    publishedQuantity,
    publishedOnHand,
    publishedVersion,
    pendingSinceMs,
    nonce,
    toldRules,
    rulesVersion,
    isPaused,
    unansweredQuantity,
    version,
    recordedAtMs,
    onHand,
    available,
    endedHolds,
    ownVersions,
    ownEffect,
    ownWithoutEffect,
    overwrittenEffect,
    hasOverwritten,
  ]: Row,
): DueListing {
  const recordedAt = timeOf(recordedAtMs);
  const exists = version !== null && recordedAt !== null && onHand !== null && available !== null;
  return {
    ...key,
    externalIds,
    publishedQuantity,
    publishedOnHand,
    publishedVersion,
    pendingSince: timeOf(pendingSinceMs),
    nonce,
    toldRules,
    rulesVersion,
    isPaused: isPaused ?? false,
    unansweredQuantity,
    level: exists ? { version, recordedAt, onHand, available, endedHolds: endedHolds ?? 0 } : null,
    own: {
      versions: ownVersions ?? 0,
      effect: ownEffect ?? 0,
      hasNoEffect: ownWithoutEffect ?? false,
      overwrittenEffect: overwrittenEffect ?? 0,
      hasOverwritten: hasOverwritten ?? false,
    },
  };
}

/** Times are kept in whole milliseconds; as a fraction of seconds they come a little beside. */
function timeOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(Math.round(ms));
}

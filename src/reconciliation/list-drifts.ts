import type { Selectable } from 'kysely';
import type { Db } from '../db/index.ts';
import type { PageOf } from '../stock/index.ts';
import type { DriftStatus, DriftTable } from './tables.ts';

/** A figure that somebody shows otherwise than expected. */
export type DriftView = {
  readonly driftId: string;
  readonly sku: string;
  readonly storeId: string;
  /** Where it was seen: a channel or a source. */
  readonly channelId: string | null;
  readonly sourceId: string | null;
  readonly expected: number;
  readonly observed: number;
  /** Expected less observed. */
  readonly units: number;
  readonly cause: string;
  readonly action: string;
  readonly status: DriftStatus;
  readonly foundAt: string;
  readonly settledAt: string | null;
};

export function viewDrift(row: Selectable<DriftTable>): DriftView {
  return {
    driftId: row.drift_id,
    sku: row.sku,
    storeId: row.location_id,
    channelId: row.channel_id,
    sourceId: row.source_id,
    expected: row.expected,
    observed: row.observed,
    units: row.units,
    cause: row.cause,
    action: row.action,
    status: row.status,
    foundAt: row.found_at.toISOString(),
    settledAt: row.settled_at?.toISOString() ?? null,
  };
}

/** Drifts, newest first. */
export async function listDrifts(
  db: Db,
  filter: {
    readonly merchantId: string;
    readonly channelId?: string | undefined;
    readonly status?: DriftStatus | undefined;
    /** The last one of the page before. */
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<PageOf<DriftView, string>> {
  const { merchantId, channelId, status, after, limit } = filter;
  let query = db
    .selectFrom('drift')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .orderBy('drift_id', 'desc')
    .limit(limit + 1);
  if (channelId !== undefined) query = query.where('channel_id', '=', channelId);
  if (status !== undefined) query = query.where('status', '=', status);
  if (after !== undefined) query = query.where('drift_id', '<', after);
  const rows = await query.execute();
  const page = rows.slice(0, limit);
  return {
    items: page.map(viewDrift),
    next: rows.length > limit ? page.at(-1)?.drift_id : undefined,
  };
}

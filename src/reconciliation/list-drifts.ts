import type { Selectable } from 'kysely';
import type { Db } from '../db/index.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import type { EntryNote } from '../stock/index.ts';
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
  /** The run that found it; null: a delivery did. */
  readonly reconciliationId: string | null;
  /** Of a source: which quantity; null: what the channel shows. */
  readonly quantity: string | null;
  /** When both were known to agree last. */
  readonly agreedAt: string | null;
  /** The ledger's entries since then: how many (100 at the most), and the newest 20 of them. */
  readonly entryCount: number;
  readonly entries: readonly EntryNote[];
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
    reconciliationId: row.reconciliation_id,
    quantity: row.quantity,
    agreedAt: row.agreed_at?.toISOString() ?? null,
    entryCount: row.entry_count,
    entries: row.entries as readonly EntryNote[],
  };
}

/** Drifts, newest first. */
export async function listDrifts(
  db: Db,
  filter: PageRequest & {
    readonly merchantId: string;
    readonly channelId?: string | undefined;
    readonly sourceId?: string | undefined;
    readonly reconciliationId?: string | undefined;
    readonly status?: DriftStatus | undefined;
  },
): Promise<PageOf<DriftView, string>> {
  const { merchantId, channelId, sourceId, reconciliationId, status, after, limit } = filter;
  let query = db
    .selectFrom('drift')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .orderBy('drift_id', 'desc')
    .limit(limit + 1);
  if (channelId !== undefined) query = query.where('channel_id', '=', channelId);
  if (sourceId !== undefined) query = query.where('source_id', '=', sourceId);
  if (reconciliationId !== undefined) {
    query = query.where('reconciliation_id', '=', reconciliationId);
  }
  if (status !== undefined) query = query.where('status', '=', status);
  if (after !== undefined) query = query.where('drift_id', '<', after);
  const page = pageOf(await query.execute(), limit, (row) => row.drift_id);
  return { ...page, items: page.items.map(viewDrift) };
}

import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { entryIdOf, effectOnAvailable, quantityFromColumn } from '../stock/index.ts';
import type { Change } from './adapter.ts';
import type { ChannelRow } from './channel.ts';
import { keyOf, planLatest, upToDate, versionOf, type PlanRules, type Step } from './plan-call.ts';
import type { DueListing } from './read-listings.ts';

type EntryRow = {
  position: number;
  entry_id: number;
  version: number;
  quantity: string;
  delta: number;
  reason: string | null;
  source_channel: string | null;
  recorded_at: Date;
};
type Figures = { available: number; onHand: number };

/**
 * What an `every` channel has to be told: each ledger entry behind the version it has, in order,
 * whole versions only, up to `limit` entries together; the rest follows with the next job. Each
 * carries the figures as of its version. What the channel did itself is left out where it follows
 * on a figure that it was told, and changed it: there the channel's figure is ours.
 */
export async function planEntries(
  db: Db,
  channel: ChannelRow,
  due: readonly DueListing[],
  rules: PlanRules,
  limit: number,
): Promise<readonly Step[]> {
  const behind = due.filter(
    ({ level, publishedVersion }) => level !== null && level.version > publishedVersion,
  );
  const [entries, bases] = await Promise.all([
    readEntries(db, channel, behind, limit),
    baseFigures(db, channel, behind),
  ]);
  const steps: Step[] = [];
  let room = limit;
  for (const listing of due) {
    const base = bases.get(listing);
    if (base === undefined) {
      steps.push(withoutEntries(listing, rules));
      continue;
    }
    const mine = entries.get(listing) ?? [];
    const taken = wholeVersions(mine, room, limit);
    room = Math.max(room - taken.length, 0);
    steps.push(stepOf(channel, listing, rules, base, taken));
  }
  return steps;
}

/** Nothing new in the ledger; a republish sends the figures all the same, without an entry. */
function withoutEntries(due: DueListing, rules: PlanRules): Step {
  return due.nonce === null ? upToDate(due, rules) : planLatest(due, rules);
}

/**
 * The first entries that fit, cut between versions. One version is never cut, however many
 * quantities it changed: what is first in a call goes out whole.
 */
function wholeVersions(
  entries: readonly EntryRow[],
  room: number,
  limit: number,
): readonly EntryRow[] {
  // A full page may end within a version, whose other entries were not read.
  const complete = entries.length < limit ? entries.length : lastVersionStart(entries);
  let end = Math.min(complete, room);
  while (end > 0 && end < complete && entries[end]?.version === entries[end - 1]?.version) end -= 1;
  if (end > 0 || room < limit) return entries.slice(0, end);
  const version = entries[0]?.version;
  return entries.filter((entry) => entry.version === version);
}

function lastVersionStart(entries: readonly EntryRow[]): number {
  const last = entries.at(-1)?.version;
  const start = entries.findIndex(({ version }) => version === last);
  return start === 0 ? entries.length : start;
}

function stepOf(
  channel: ChannelRow,
  due: DueListing,
  rules: PlanRules,
  base: Figures,
  entries: readonly EntryRow[],
): Step {
  const figures = { ...base };
  const changes: Change[] = [];
  let previous = due.publishedQuantity;
  for (const [index, entry] of entries.entries()) {
    const quantity = quantityFromColumn(entry.quantity);
    figures.available += effectOnAvailable[quantity] * entry.delta;
    if (quantity === 'onHand') figures.onHand += entry.delta;
    const isOwn = entry.source_channel === channel.channel_id;
    if (isOwn && previous !== null && previous > 0 && changesAvailable(entries, entry.version)) {
      previous = Math.max(figures.available, 0);
      continue;
    }
    changes.push({
      storeId: due.storeId,
      sku: due.sku,
      externalIds: due.externalIds,
      ...asOfVersion(figures, entries, index),
      version: entry.version,
      recordedAt: entry.recorded_at,
      previous,
      entry: {
        entryId: entryIdOf(entry.entry_id),
        quantity,
        delta: entry.delta,
        reason: entry.reason,
      },
    });
    previous = changes.at(-1)?.available ?? null;
  }
  const version = entries.at(-1)?.version ?? due.publishedVersion;
  const settlement = {
    ...keyOf(due),
    version,
    quantity: Math.max(figures.available, 0),
    onHand: figures.onHand,
    more: version < (due.level?.version ?? 0),
    rules: versionOf(due, rules),
  };
  const isEcho = changes.length === 0 && entries.length > 0;
  return { settlement, changes, isEcho, explained: [] };
}

function changesAvailable(entries: readonly EntryRow[], version: number): boolean {
  return (
    entries
      .filter((entry) => entry.version === version)
      .reduce((sum, e) => sum + effectOnAvailable[quantityFromColumn(e.quantity)] * e.delta, 0) !==
    0
  );
}

/** Figures of a whole version: all its entries carry the same. */
function asOfVersion(
  figures: Figures,
  entries: readonly EntryRow[],
  index: number,
): { available: number; onHand: number } {
  const version = entries[index]?.version;
  let { available, onHand } = figures;
  for (const entry of entries.slice(index + 1)) {
    if (entry.version !== version) break;
    const quantity = quantityFromColumn(entry.quantity);
    available += effectOnAvailable[quantity] * entry.delta;
    if (quantity === 'onHand') onHand += entry.delta;
  }
  return { available: Math.max(available, 0), onHand };
}

async function readEntries(
  db: Db,
  channel: ChannelRow,
  behind: readonly DueListing[],
  limit: number,
): Promise<Map<DueListing, EntryRow[]>> {
  const entries = new Map<DueListing, EntryRow[]>();
  if (behind.length === 0) return entries;
  const { rows } = await sql<EntryRow>`
    select * from delivery_entries(${channel.merchant_id},
      ${behind.map((due) => due.sku)}::text[], ${behind.map((due) => due.storeId)}::text[],
      ${behind.map((due) => due.publishedVersion)}::bigint[],
      ${behind.map((due) => due.level?.version ?? 0)}::bigint[], ${limit}::integer)`.execute(db);
  for (const row of rows) {
    const due = behind[row.position - 1];
    if (due === undefined) continue;
    const list = entries.get(due);
    if (list === undefined) entries.set(due, [row]);
    else list.push(row);
  }
  return entries;
}

/**
 * The figures of each listing as of the version that the channel has, by the ledger. What was
 * published is no base to count on from: it may have had a hold as free that had ended, and whose
 * entry is still to come.
 */
async function baseFigures(
  db: Db,
  channel: ChannelRow,
  behind: readonly DueListing[],
): Promise<Map<DueListing, Figures>> {
  const bases = new Map<DueListing, Figures>();
  if (behind.length === 0) return bases;
  const { rows } = await sql<{ position: number; available: number; on_hand: number }>`
    select u.position, e.available::bigint as available, e.on_hand::bigint as on_hand
    from unnest(${behind.map((due) => due.sku)}::text[],
      ${behind.map((due) => due.storeId)}::text[],
      ${behind.map((due) => due.publishedVersion)}::bigint[],
      ${behind.map((due) => due.level?.version ?? 0)}::bigint[])
      with ordinality as u(sku, location_id, after, upto, position)
    cross join lateral delivery_effect(
      ${channel.merchant_id}, u.sku, u.location_id, u.after, u.upto) e`.execute(db);
  for (const row of rows) {
    const due = behind[row.position - 1];
    if (due === undefined || due.level === null) continue;
    bases.set(due, {
      available: due.level.available - row.available,
      onHand: due.level.onHand - row.on_hand,
    });
  }
  return bases;
}

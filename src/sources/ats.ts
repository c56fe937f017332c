import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import {
  effectOnAvailable,
  listLevelsOfSku,
  quantities,
  quantityColumn,
  type LevelView,
  type Quantity,
} from '../stock/index.ts';
import type { SourcesContext } from './context.ts';
import type { AskState, OnDemand, Question } from './on-demand.ts';
import { readOwnership, type Ownership } from './ownership.ts';
import { reportedQuantities, type ReportedQuantity } from './source.ts';

/** The quantities that `available` is made of. */
export const atsQuantities = quantities.filter((quantity) => effectOnAvailable[quantity] !== 0);

/** Who keeps a quantity that no source owns. */
const ourselves = 'onhand';
/** Of a total: quantities that have not one owner at every store. */
const several = 'several';

/** How a term came about: as it is stored, after asking its source, or for want of an answer. */
export type TermState = 'stored' | AskState;

/** One quantity of `available`. */
export type AtsTerm = {
  readonly quantity: Quantity;
  readonly value: number;
  /** The source that owns it here, or `onhand`. */
  readonly source: string;
  /** When the owner last reported it; our own: when the level changed last. */
  readonly observedAt: string;
  readonly ageSeconds: number;
  readonly state: TermState;
};

export type AtsView = {
  readonly available: number;
  readonly terms: readonly AtsTerm[];
};

/** What can be sold of a SKU at all the stores asked about, and at each of them. */
export type AvailableToSell = AtsView & {
  readonly stores: readonly (AtsView & { readonly storeId: string })[];
};

/**
 * What can be sold of a SKU: on hand − allocated − pending sales − open orders − reserved −
 * unavailable − safety stock, at one store or at all of them, always of what is stored. Sources
 * that are asked on demand are asked before, all at the same time; what they say is stored first.
 * Undefined: there is no such level.
 */
export async function availableToSell(
  { db, clock }: Pick<SourcesContext, 'db' | 'clock'>,
  onDemand: OnDemand,
  input: {
    readonly merchantId: string;
    readonly sku: string;
    readonly storeId?: string | undefined;
  },
): Promise<AvailableToSell | undefined> {
  const { merchantId, sku, storeId } = input;
  const read = async (): Promise<readonly LevelView[]> => {
    const all = await listLevelsOfSku(db, merchantId, sku, clock.offsetMs);
    return storeId === undefined ? all : all.filter((level) => level.storeId === storeId);
  };
  const before = await read();
  if (before.length === 0) return undefined;
  const ownership = await readOwnership(db, merchantId);
  const states = await askOwners(db, onDemand, merchantId, before, ownership);
  const levels = states.size === 0 ? before : await read();
  const observed = await observedTimes(db, merchantId, sku);
  const now = clock.now();
  const stores = levels.map((level) => {
    const terms = atsQuantities.map((quantity): AtsTerm => {
      const owner = ownerOf(ownership, quantity, level.storeId);
      const id = placeId(owner, level.storeId, quantityColumn[quantity]);
      const observedAt = observed.get(id) ?? level.updatedAt;
      const state = states.get(id) ?? 'stored';
      const value = level[quantity];
      return { quantity, value, source: owner, observedAt, ...age(observedAt, now), state };
    });
    return { storeId: level.storeId, available: level.available, terms };
  });
  return { ...total(stores, now), stores };
}

/** Sums of several stores. A sum is as old as its oldest part, and as sure as its least sure. */
function total(stores: readonly AtsView[], now: Date): AtsView {
  const available = stores.reduce((sum, store) => sum + store.available, 0);
  const terms = atsQuantities.map((quantity, index): AtsTerm => {
    const parts = stores.flatMap(({ terms: all }) => all[index] ?? []);
    const sources = new Set(parts.map(({ source }) => source));
    const [source = ourselves] = sources;
    const observedAt = parts.map((part) => part.observedAt).toSorted()[0] ?? now.toISOString();
    const state = (['lastKnown', 'asked'] as const).find((one) =>
      parts.some((part) => part.state === one),
    );
    return {
      quantity,
      value: parts.reduce((sum, part) => sum + part.value, 0),
      source: sources.size > 1 ? several : source,
      observedAt,
      ...age(observedAt, now),
      state: state ?? 'stored',
    };
  });
  return { available, terms };
}

function age(observedAt: string, now: Date): { readonly ageSeconds: number } {
  return { ageSeconds: Math.round(Math.max(0, now.getTime() - Date.parse(observedAt))) / 1000 };
}

function ownerOf(ownership: Ownership, quantity: Quantity, storeId: string): string {
  return isReported(quantity) ? (ownership.ownerOf(quantity, storeId) ?? ourselves) : ourselves;
}

function isReported(quantity: Quantity): quantity is ReportedQuantity {
  return (reportedQuantities as readonly Quantity[]).includes(quantity);
}

function placeId(sourceId: string, storeId: string, quantity: string): string {
  return JSON.stringify([sourceId, storeId, quantity]);
}

/** Asks those owners that are asked on demand. By place; empty where there are none. */
async function askOwners(
  db: Db,
  onDemand: OnDemand,
  merchantId: string,
  levels: readonly LevelView[],
  ownership: Ownership,
): Promise<ReadonlyMap<string, AskState>> {
  const { rows } = await sql<{ source_id: string }>`
    select source_id from source
    where merchant_id = ${merchantId} and enabled
      and config @> '{"onDemand": true}'`.execute(db);
  if (rows.length === 0) return new Map();
  const asked = new Set(rows.map((row) => row.source_id));
  const questions = levels.flatMap(({ sku, storeId }) =>
    reportedQuantities.flatMap((quantity): Question[] => {
      const sourceId = ownership.ownerOf(quantity, storeId);
      if (sourceId === undefined || !asked.has(sourceId)) return [];
      return effectOnAvailable[quantity] === 0
        ? []
        : [{ merchantId, sourceId, sku, storeId, quantity }];
    }),
  );
  const states = await onDemand.ask(questions);
  return new Map(
    questions.map(({ sourceId, storeId, quantity }, index) => [
      placeId(sourceId, storeId, quantityColumn[quantity]),
      states[index] ?? 'lastKnown',
    ]),
  );
}

/** When each source last reported a figure of the SKU, by place. */
async function observedTimes(
  db: Db,
  merchantId: string,
  sku: string,
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{
    source_id: string;
    location_id: string;
    quantity: string;
    observed_at: Date;
  }>`
    select f.source_id, f.location_id, f.quantity::text, f.observed_at
    from source s
    cross join lateral (
      select * from source_figure f
      where f.merchant_id = ${merchantId} and f.source_id = s.source_id and f.sku = ${sku}
      offset 0) f
    where s.merchant_id = ${merchantId}`.execute(db);
  return new Map(
    rows.map((row) => [
      placeId(row.source_id, row.location_id, row.quantity),
      row.observed_at.toISOString(),
    ]),
  );
}

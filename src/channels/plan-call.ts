import type { Change } from './adapter.ts';
import type { ChannelRow } from './channel.ts';
import type { DueListing } from './read-listings.ts';
import { bufferOf, shownQuantity, type Buffer } from './shown-quantity.ts';

/** Where a listing stands once its part of a call has succeeded. */
export type Settlement = {
  readonly jobId: string;
  readonly sku: string;
  readonly storeId: string;
  readonly version: number;
  /** What the channel shows then; null: nothing is known. */
  readonly quantity: number | null;
  readonly onHand: number | null;
  readonly nonce: string | null;
  /** Not everything that is due is in the call. */
  readonly more: boolean;
  readonly pendingSince: Date | null;
  /** By which rules `quantity` was made; -1: by a wider buffer, for the time being. */
  readonly rules: number;
};

/** What to do about one listing: a settlement, with the changes that have to be sent for it. */
export type Step = {
  readonly settlement: Settlement;
  /** None: it is up to date, or the channel knows by itself. */
  readonly changes: readonly Change[];
  readonly isEcho: boolean;
  /** Other figures that the channel may show by our own account: they are no drift. */
  readonly explained: readonly number[];
};

/** By what a channel's figures are made. */
export type PlanRules = {
  readonly buffer: Buffer | null;
  /** Of the channel's rules; a listing's own version is added. */
  readonly version: number;
  readonly isLagging: boolean;
  /** The channel is somebody else now, and not all listings have been told so. */
  readonly isMoved: boolean;
};

/** Nonces that say: the channel is somebody else now, or calls the listing otherwise. */
export const movedPrefix = 'moved-';

export function planRules(channel: ChannelRow, isLagging: boolean): PlanRules {
  const buffer = bufferOf(channel.buffer);
  const isWider = isLagging && (buffer?.widenWhileLaggingUnits ?? 0) > 0;
  const isMoved = channel.backfill?.nonce?.startsWith(movedPrefix) ?? false;
  return { buffer, version: channel.rules_version, isLagging: isWider, isMoved };
}

/**
 * What a `latest` channel has to be told about a listing: its newest figure, or nothing.
 *
 * Nothing is sent when the version went out already by the same rules or with the same figure, and
 * when the channel knows by itself: all that changed since is its own doing, and its figure (what
 * it was told, plus its own changes) is what we would send. A change of its own that leaves
 * `available` as it was, such as the sale of what was reserved, is no proof of what it shows, and
 * what it did before it was told last is not in its figure any more: when in doubt, send.
 */
export function planLatest(due: DueListing, rules: PlanRules): Step {
  const { level, nonce, own } = due;
  if (level === null) return upToDate(due, rules);
  const { isLagging } = rules;
  const available = level.available + level.endedHolds;
  const shown = shownQuantity(available, { ...rules, isPaused: due.isPaused });
  const settlement: Settlement = {
    ...keyOf(due),
    version: level.version,
    quantity: shown,
    onHand: level.onHand,
    more: false,
    rules: isLagging ? -1 : versionOf(due, rules),
  };
  const isKnown =
    nonce === null &&
    due.publishedVersion >= level.version &&
    (settlement.rules === due.toldRules || due.publishedQuantity === shown);
  if (isKnown) {
    const known = upToDate(due, rules);
    return { ...known, settlement: { ...known.settlement, rules: settlement.rules } };
  }
  if (nonce === null && isEcho(due, shown)) {
    return { settlement, changes: [], isEcho: true, explained: [] };
  }
  const change: Change = {
    storeId: due.storeId,
    sku: due.sku,
    externalIds: due.externalIds,
    available: shown,
    onHand: level.onHand,
    version: level.version,
    recordedAt: level.recordedAt,
    previous: rules.isMoved ? null : previousOf(due),
  };
  const told = due.publishedQuantity;
  const explained =
    told === null ? [] : [told, told + own.effect, told + own.effect + own.overwrittenEffect];
  if (due.unansweredQuantity !== null) explained.push(due.unansweredQuantity);
  return { settlement, changes: [change], isEcho: false, explained };
}

/** What it was told last, and what it did itself since. */
function previousOf({ nonce, publishedQuantity, own }: DueListing): number | null {
  if (publishedQuantity === null || nonce?.startsWith(movedPrefix) === true) return null;
  return publishedQuantity + own.effect;
}

function isEcho({ own, publishedQuantity }: DueListing, shown: number): boolean {
  if (own.versions === 0 || own.hasNoEffect || own.hasOverwritten) return false;
  return publishedQuantity !== null && publishedQuantity + own.effect === shown;
}

/** The listing as it is: nothing to send, and nothing is known that was not before. */
export function upToDate(due: DueListing, rules: PlanRules): Step {
  return {
    settlement: {
      ...keyOf(due),
      version: due.publishedVersion,
      quantity: due.publishedQuantity,
      onHand: due.publishedOnHand,
      more: false,
      rules: versionOf(due, rules),
    },
    changes: [],
    isEcho: false,
    explained: [],
  };
}

/** Channel and listing count their changes of rules up: the sum moves with either. */
export function versionOf(due: DueListing, rules: PlanRules): number {
  return rules.version + due.rulesVersion;
}

/** The members of a settlement that are the listing's own. */
export function keyOf(
  due: DueListing,
): Pick<Settlement, 'jobId' | 'sku' | 'storeId' | 'nonce' | 'pendingSince'> {
  const { jobId, sku, storeId, nonce, pendingSince } = due;
  return { jobId, sku, storeId, nonce, pendingSince };
}

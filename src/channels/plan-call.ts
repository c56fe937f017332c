import type { Change } from './adapter.ts';
import type { DueListing } from './read-listings.ts';

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
};

/** What to do about one listing: a settlement, with the changes that have to be sent for it. */
export type Step = {
  readonly settlement: Settlement;
  /** None: it is up to date, or the channel knows by itself. */
  readonly changes: readonly Change[];
  readonly isEcho: boolean;
};

/**
 * What a `latest` channel has to be told about a listing: its newest figure, or nothing.
 *
 * Nothing is sent when the version went out already, and when the channel knows by itself: all that
 * changed since is its own doing, and its figure (what it was told, plus its own changes) is what
 * we would send. A change of its own that leaves `available` as it was, such as the sale of what
 * was reserved, is no proof of what it shows: when in doubt, send.
 */
export function planLatest(due: DueListing): Step {
  const { level, nonce } = due;
  if (level === null) return upToDate(due);
  const isForced = nonce !== null;
  if (!isForced && due.publishedVersion >= level.version) return upToDate(due);

  const available = Math.max(level.available + level.endedHolds, 0);
  const settlement: Settlement = {
    ...keyOf(due),
    version: level.version,
    quantity: available,
    onHand: level.onHand,
    more: false,
  };
  if (!isForced && isEcho(due, available)) return { settlement, changes: [], isEcho: true };
  const change: Change = {
    storeId: due.storeId,
    sku: due.sku,
    externalIds: due.externalIds,
    available,
    onHand: level.onHand,
    version: level.version,
    recordedAt: level.recordedAt,
    previous: due.publishedQuantity,
  };
  return { settlement, changes: [change], isEcho: false };
}

function isEcho({ own, publishedQuantity }: DueListing, available: number): boolean {
  if (own.versions === 0 || own.hasNoEffect || publishedQuantity === null) return false;
  return publishedQuantity + own.effect === available;
}

/** The listing as it is: nothing to send, and nothing is known that was not before. */
export function upToDate(due: DueListing): Step {
  return {
    settlement: {
      ...keyOf(due),
      version: due.publishedVersion,
      quantity: due.publishedQuantity,
      onHand: due.publishedOnHand,
      more: false,
    },
    changes: [],
    isEcho: false,
  };
}

/** The members of a settlement that are the listing's own. */
export function keyOf(
  due: DueListing,
): Pick<Settlement, 'jobId' | 'sku' | 'storeId' | 'nonce' | 'pendingSince'> {
  const { jobId, sku, storeId, nonce, pendingSince } = due;
  return { jobId, sku, storeId, nonce, pendingSince };
}

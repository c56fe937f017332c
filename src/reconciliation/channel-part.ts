import {
  listingKeysAfter,
  lockShown,
  shownListings,
  type ChannelName,
  type DriftPolicy,
  type ReadResult,
  type ShownListing,
} from '../channels/index.ts';
import { writeChannelDrifts, type Difference } from './channel-drift.ts';
import type { ReconciliationContext } from './context.ts';
import {
  dropSuspects,
  movePart,
  readPart,
  readSuspects,
  writeSuspects,
  type PartName,
  type PartRow,
  type Suspect,
} from './part.ts';

/** How a channel is asked, by whoever leads it. */
export type ChannelReader = ChannelName & {
  readonly driftPolicy: DriftPolicy;
  /** The most listings it reads at once; undefined: it cannot be read. */
  readonly maxBatch: number | undefined;
  /** Asks once, when the channel's turn comes. Undefined: no call may go out at the moment. */
  read(listings: readonly ShownListing[]): Promise<ReadResult | undefined>;
};

/** What became of a step: the next one may follow at once, later, or there is none. */
export type StepResult =
  | { readonly kind: 'more' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'done' };

/** What kept a channel from being read since it was read last. */
export type Trouble = {
  /** Reads that failed. */
  readonly failures: number;
  /** For how long no call might go out, in ms. */
  readonly busyMs: number;
};

type ReadStep = StepResult & { readonly trouble?: 'failed' | 'busy' };

/** What was seen of a listing at the first look. */
type Seen = { readonly mark: string; readonly observed: number };

const done: StepResult = { kind: 'done' };
const more: StepResult = { kind: 'more' };
/** No call may go out: asked again after so long, and given up in the end. */
const againMs = 200;
const longestBusyMs = 600_000;
/** A read that fails is tried again by the circuit's time, and so often. */
const mostFailures = 5;

/**
 * Does the next step of a channel's part: reads what one page of listings shows and keeps what
 * differs, or looks again at what differed, and writes down the drift that is left. Each step is
 * one transaction with how far the part came, so that whoever goes on does none twice.
 *
 * A listing that anything is on its way to is left out, and so is one to which something happened
 * while it was read or between the two looks.
 * @param trouble how the reads before went
 */
export async function workChannelPart(
  context: ReconciliationContext,
  name: PartName,
  reader: ChannelReader,
  trouble: Trouble,
): Promise<ReadStep> {
  const part = await readPart(context.db, name);
  if (part === undefined) return done;
  if (part.status === 'reading') return await lookAtPage(context, part, reader, trouble);
  if (part.status === 'confirming') return await confirmPage(context, part, reader, trouble);
  return done;
}

async function lookAtPage(
  context: ReconciliationContext,
  part: PartRow,
  reader: ChannelReader,
  trouble: Trouble,
): Promise<ReadStep> {
  const { db } = context;
  const { maxBatch } = reader;
  if (maxBatch === undefined) return await endPart(context, part, 'finished', 'not_readable');
  const after = part.position as { sku: string; storeId: string } | null;
  const keys = await listingKeysAfter(db, reader, after, maxBatch);
  const last = keys.at(-1);
  if (last === undefined) {
    const [suspect] = await readSuspects(db, part, 1);
    if (suspect === undefined) return await endPart(context, part, 'finished');
    await db.transaction().execute((tx) =>
      movePart(tx, part, {
        status: 'confirming',
        confirmInMs: context.confirmMs,
      }),
    );
    return { kind: 'wait', ms: context.confirmMs };
  }
  const listings = await shownListings(db, reader, keys);
  const looked = await look(listings, reader);
  if (looked.kind !== 'read') return await afterFailure(context, part, looked, trouble);
  const changed = await shownListings(
    db,
    reader,
    looked.differing.map(({ listing }) => listing),
  );
  const marks = new Map(changed.map((listing) => [keyOf(listing), listing.mark]));
  const suspects = looked.differing
    .filter(({ listing }) => marks.get(keyOf(listing)) === listing.mark)
    .map(({ listing, observed }): Suspect<Seen> => {
      const { sku, storeId, mark } = listing;
      return { sku, storeId, quantity: '', seen: { mark, observed } };
    });
  await db.transaction().execute(async (tx) => {
    await writeSuspects(tx, part, suspects);
    await movePart(tx, part, {
      position: { sku: last.sku, storeId: last.storeId },
      compared: looked.agreeing,
      in_flight: keys.length - looked.agreeing - looked.missing - suspects.length,
      missing: looked.missing,
    });
  });
  return more;
}

type Look =
  | {
      readonly kind: 'read';
      readonly agreeing: number;
      readonly missing: number;
      readonly differing: readonly Difference[];
    }
  | { readonly kind: 'busy' }
  | { readonly kind: 'failed'; readonly code: string; readonly retryAfterMs: number };

/** Asks what listings show, those that can be compared. */
async function look(listings: readonly ShownListing[], reader: ChannelReader): Promise<Look> {
  const asked = listings.filter(({ expected }) => expected !== null);
  if (asked.length === 0) return { kind: 'read', agreeing: 0, missing: 0, differing: [] };
  const result = await reader.read(asked);
  if (result === undefined) return { kind: 'busy' };
  if (!result.ok) {
    const { code, retryAfterMs = 0 } = result.failure;
    return { kind: 'failed', code, retryAfterMs };
  }
  let agreeing = 0;
  let missing = 0;
  const differing: Difference[] = [];
  for (const [index, listing] of asked.entries()) {
    const observed = result.quantities[index] ?? null;
    if (observed === null) missing += 1;
    else if (observed === listing.expected || isKnown(listing, observed)) agreeing += 1;
    else differing.push({ listing, observed });
  }
  return { kind: 'read', agreeing, missing, differing };
}

/** A drift that waits, or that somebody left as it is. */
function isKnown({ driftId, told }: ShownListing, observed: number): boolean {
  return driftId !== null && told === observed;
}

async function afterFailure(
  context: ReconciliationContext,
  part: PartRow,
  looked: Exclude<Look, { kind: 'read' }>,
  trouble: Trouble,
): Promise<ReadStep> {
  if (looked.kind === 'busy') {
    if (trouble.busyMs > longestBusyMs) return await endPart(context, part, 'failed', 'busy');
    return { kind: 'wait', ms: againMs, trouble: 'busy' };
  }
  const isOver = trouble.failures + 1 >= mostFailures;
  if (isOver) return await endPart(context, part, 'failed', looked.code);
  return { kind: 'wait', ms: Math.max(looked.retryAfterMs, againMs), trouble: 'failed' };
}

async function confirmPage(
  context: ReconciliationContext,
  part: PartRow,
  reader: ChannelReader,
  trouble: Trouble,
): Promise<ReadStep> {
  const { db } = context;
  const waitMs = (part.confirm_at?.getTime() ?? 0) - Date.now();
  // This process's clock may be wrong: it decides only how long is waited.
  if (waitMs > 0) return { kind: 'wait', ms: Math.min(waitMs, context.confirmMs) };
  const suspects = await readSuspects<Seen>(db, part, reader.maxBatch ?? 1);
  if (suspects.length === 0) return await endPart(context, part, 'finished');
  const listings = await shownListings(db, reader, suspects);
  const seen = new Map(suspects.map((suspect) => [keyOf(suspect), suspect.seen]));
  const unchanged = listings.filter((listing) => listing.mark === seen.get(keyOf(listing))?.mark);
  const looked = await look(unchanged, reader);
  if (looked.kind !== 'read') return await afterFailure(context, part, looked, trouble);
  await db.transaction().execute(async (tx) => {
    await lockShown(tx, reader, suspects);
    const now = await shownListings(tx, reader, suspects);
    const marks = new Map(now.map((listing) => [keyOf(listing), listing.mark]));
    const confirmed = looked.differing.filter(({ listing, observed }) => {
      const before = seen.get(keyOf(listing));
      return observed === before?.observed && marks.get(keyOf(listing)) === before.mark;
    });
    const scope = {
      merchantId: part.merchant_id,
      reconciliationId: part.reconciliation_id,
      channelId: reader.channelId,
      sourceId: null,
    };
    await writeChannelDrifts(tx, context, reader, scope.reconciliationId, confirmed);
    await dropSuspects(tx, part, suspects);
    await movePart(tx, part, {
      compared: looked.agreeing + confirmed.length,
      drifts: confirmed.length,
      missing: looked.missing,
      in_flight: suspects.length - looked.agreeing - looked.missing - confirmed.length,
    });
  });
  return more;
}

async function endPart(
  { db }: ReconciliationContext,
  part: PartRow,
  status: 'finished' | 'failed',
  code?: string,
): Promise<StepResult> {
  await db
    .transaction()
    .execute((tx) => movePart(tx, part, { status, ...(code === undefined ? {} : { code }) }));
  return done;
}

function keyOf({ sku, storeId }: { readonly sku: string; readonly storeId: string }): string {
  return `${sku}\u0000${storeId}`;
}

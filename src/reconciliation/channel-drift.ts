import {
  noteDrifts,
  type ChannelName,
  type DriftPolicy,
  type DriftStep,
  type ShownListing,
} from '../channels/index.ts';
import type { Tx } from '../db/index.ts';
import { newId } from '../ids.ts';
import { entriesSince } from '../stock/index.ts';
import type { ReconciliationContext } from './context.ts';
import { endDrifts, insertDrifts, type NewDrift } from './record-drifts.ts';
import type { DriftCause } from './tables.ts';

/** A listing, and what the channel shows instead of what is expected. */
export type Difference = { readonly listing: ShownListing; readonly observed: number };

/** Writes down drifts of locked listings, and begins to settle those below the threshold. */
export async function writeChannelDrifts(
  tx: Tx,
  context: ReconciliationContext,
  channel: ChannelName & { readonly driftPolicy: DriftPolicy },
  reconciliationId: string | null,
  differences: readonly Difference[],
): Promise<void> {
  const { merchantId, channelId, driftPolicy } = channel;
  const ledgers = await entriesSince(
    tx,
    differences.map(({ listing: { sku, storeId, toldAt } }) => {
      return { level: { merchantId, sku, storeId }, since: toldAt };
    }),
  );
  const found = differences.map(({ listing, observed }, index) => {
    const expected = listing.expected ?? observed;
    const isLarge = Math.abs(expected - observed) >= context.settings.discrepancyThreshold;
    const held: DriftStep = driftPolicy === 'hold' ? 'hold' : 'wait';
    const isWaiting = isLarge || driftPolicy === 'hold';
    const drift: NewDrift = {
      driftId: newId('drf'),
      sku: listing.sku,
      storeId: listing.storeId,
      quantity: null,
      expected,
      observed,
      cause: causeOf(listing, observed),
      action: 'send_ours',
      status: isWaiting ? 'pending' : 'settling',
      version: listing.version,
      agreedAt: listing.toldAt,
      ledger: ledgers[index] ?? { count: 0, newest: [] },
      seen: null,
    };
    return { drift, step: isWaiting ? held : ('send' as const), seenAt: listing.readAt };
  });
  const before = await noteDrifts(
    tx,
    channel,
    found.map(({ drift, step, seenAt }) => ({ ...drift, step, seenAt })),
  );
  if (before.length > 0) await endDrifts(tx, merchantId, before, 'superseded');
  const scope = { merchantId, reconciliationId, channelId, sourceId: null };
  await insertDrifts(
    tx,
    scope,
    found.map(({ drift }) => drift),
  );
}

/** Why a channel probably shows what it does. */
function causeOf(listing: ShownListing, observed: number): DriftCause {
  if (listing.state === 'dead' || observed === listing.unanswered) return 'undelivered';
  if (listing.toldAt === null) return 'unknown';
  // The figure before ours: our last one was lost there, or an older call came through after it.
  return observed === listing.figureBefore ? 'undelivered' : 'channel_changed';
}

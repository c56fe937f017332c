import type { Pool } from 'pg';
import {
  attemptsAfter,
  countPoll,
  dropOperations,
  dropStoredCalls,
  keepOperations,
  lockListings,
  observeListings,
  reassignListings,
  recordAttempts,
  recordListings,
  recordSuperseded,
  waitListings,
  type ChannelRow,
  type ObservedDrift,
} from '../channels/index.ts';
import { pipelined, together, type Tx } from '../db/index.ts';
import { recordDrifts, settleDrifts } from '../reconciliation/index.ts';
import type { DeliveryQueue } from './delivery-queue.ts';
import type { Verdict } from './verdict.ts';

export type RecordedVerdicts = {
  /** Jobs that are due at once. */
  readonly followUps: number;
  readonly drifts: readonly ObservedDrift[];
};

/**
 * Writes verdicts down in one transaction: listings, attempts, drifts, follow-up jobs and the jobs
 * themselves.
 * @param maxBatch the most listings of a job
 */
export async function recordVerdicts(
  pool: Pool,
  queue: DeliveryQueue,
  channel: ChannelRow,
  verdicts: readonly Verdict[],
  maxBatch: number,
): Promise<RecordedVerdicts> {
  const { merchant_id: merchantId, channel_id: channelId, queue: name } = channel;
  // Those without listings read nothing of which anything is recorded.
  const times = verdicts.flatMap(({ settled, readAt: at }) => (settled.length > 0 ? [at] : []));
  const readAt = new Date(Math.min(...times.map((at) => at.getTime())));
  return pipelined(pool, async (tx) => {
    const drifts = await recordLeavers(tx, channel, verdicts);
    const settled = verdicts.flatMap((verdict) => verdict.settled);
    const attempts = verdicts.flatMap((verdict) => verdict.attempts);
    const dead = attempts.filter(({ status }) => status === 'dead');
    const alive = attempts.filter(({ status }) => status !== 'dead');
    const superseded = verdicts.flatMap((verdict) => verdict.superseded);
    const completed = verdicts.flatMap((verdict) => verdict.completed);
    // Sent together: none of them needs what another one answers.
    const [recorded] = await together([
      recordListings(tx, channel, readAt, settled, maxBatch),
      recordAttempts(tx, merchantId, channelId, alive),
      recordSuperseded(tx, merchantId, superseded),
      queue.complete(tx, name, completed),
    ]);
    const letters = attemptsAfter(dead, recorded);
    await recordAttempts(tx, merchantId, channelId, letters);
    await settleDrifts(tx, merchantId, recorded.settledDriftIds);
    await recordCarried(tx, channel, verdicts);
    const waiting = verdicts.flatMap((verdict) => verdict.waiting);
    const changed = await waitListings(tx, channel, waiting);
    await queue.insert(tx, changed);
    await queue.insert(tx, recorded.jobs);
    const moved = verdicts.flatMap((verdict) => verdict.moved);
    for (const { job, startAfterMs } of moved) await queue.insert(tx, [job], startAfterMs);
    for (const { job, retryMs, code } of verdicts.flatMap(({ failed }) => failed)) {
      await queue.fail(tx, job, retryMs, { code });
    }
    await queue.defer(
      tx,
      verdicts.flatMap(({ deferred }) => deferred),
    );
    const empty = letters.filter(({ status }) => status === 'superseded');
    await queue.removeDead(tx, name, [
      ...recorded.supersededJobIds,
      ...empty.map(({ jobId }) => jobId),
    ]);
    const atOnce = moved.filter(({ startAfterMs }) => startAfterMs === 0);
    const followUps = recorded.jobs.length + changed.length + atOnce.length;
    return { followUps, drifts };
  });
}

/** Listings that go on in other jobs, with what the channel showed for them. */
async function recordLeavers(
  tx: Tx,
  channel: ChannelRow,
  verdicts: readonly Verdict[],
): Promise<readonly ObservedDrift[]> {
  const observed = verdicts.flatMap((verdict) => verdict.observed);
  const moves = verdicts.flatMap(({ moved }) =>
    moved.flatMap(({ from, job }) =>
      job.listings.map(([sku, storeId]) => {
        return { jobId: from.jobId, nextJobId: job.jobId, sku, storeId };
      }),
    ),
  );
  const waiting = verdicts.flatMap((verdict) => verdict.waiting);
  if (observed.length + moves.length + waiting.length === 0) return [];
  // Several statements write listings here: all locks first, in their order.
  const settled = verdicts.flatMap((verdict) => verdict.settled);
  await lockListings(tx, channel, [...observed, ...moves, ...waiting, ...settled]);
  const drifts = await observeListings(tx, channel, observed);
  await reassignListings(tx, channel, moves);
  const { merchant_id: merchantId, channel_id: channelId } = channel;
  await recordDrifts(tx, { merchantId, channelId }, drifts);
  return drifts;
}

/** Stored calls that are answered, and operations that are known, new or still open. */
async function recordCarried(
  tx: Tx,
  channel: ChannelRow,
  verdicts: readonly Verdict[],
): Promise<void> {
  await dropStoredCalls(
    tx,
    channel,
    verdicts.flatMap(({ answered }) => answered),
  );
  await dropOperations(
    tx,
    channel,
    verdicts.flatMap(({ confirmed }) => confirmed),
  );
  await keepOperations(
    tx,
    channel,
    verdicts.flatMap(({ accepted }) => accepted),
  );
  await countPoll(
    tx,
    channel,
    verdicts.flatMap(({ polled }) => polled),
  );
}

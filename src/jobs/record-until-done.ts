import type { ChannelRow, ObservedDrift } from '../channels/index.ts';
import { isUnavailable } from '../db/index.ts';
import { recordVerdicts } from './record-verdicts.ts';
import { Signal } from './signal.ts';
import type { Verdict } from './verdict.ts';
import type { WorkerContext } from './worker-context.ts';

const afterFaultMs = 250;
/** So often a verdict is offered to a database that is there and refuses it. */
const mostRecordings = 10;

/** Whether there is still a reason to record, and how. */
export interface RecordingState {
  /** The most listings of a job. */
  readonly maxBatch: number;
  isAbandoned(): boolean;
  isLeader(): boolean;
}

/**
 * Records until it succeeds: what a channel has taken shall not be sent again for nothing. Drift
 * that was seen is told to whoever listens.
 * @returns undefined where it was given up: nobody leads the channel any more, or Postgres is
 * there and will not take it. That must not stop the rest: its jobs are taken up anew as orphans.
 */
export async function recordUntilDone(
  context: WorkerContext,
  channel: ChannelRow,
  verdicts: readonly Verdict[],
  state: RecordingState,
): Promise<{ readonly followUps: number } | undefined> {
  const { rounds, queue, logger } = context;
  for (let attempt = 1; !state.isAbandoned(); attempt += 1) {
    try {
      const recorded = await recordVerdicts(rounds.pool, queue, channel, verdicts, state.maxBatch);
      tellDrifts(context, channel, recorded.drifts);
      return recorded;
    } catch (error) {
      const { channel_id: channelId } = channel;
      logger.warn({ err: error, channelId }, 'deliveries could not be recorded; trying again');
      if (!state.isLeader() || (attempt >= mostRecordings && !isUnavailable(error))) break;
      await new Signal().wait(afterFaultMs);
    }
  }
  return undefined;
}

function tellDrifts(
  { events }: WorkerContext,
  { merchant_id: merchantId, channel_id: channelId }: ChannelRow,
  drifts: readonly ObservedDrift[],
): void {
  for (const { driftId, sku, storeId, expected, observed } of drifts) {
    events.onDrift?.({ merchantId, channelId, driftId, sku, storeId, expected, observed });
  }
}

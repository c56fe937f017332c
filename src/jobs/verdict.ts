import type {
  AcceptedOperation,
  AttemptRecord,
  DeliveryJob,
  ObservedListing,
  SettledListing,
  WaitingListing,
} from '../channels/index.ts';
import type { ClaimedJob } from './delivery-queue.ts';

/** Listings of a job that go on in another one, by their own time. */
export type MovedListings = {
  readonly from: ClaimedJob;
  readonly job: DeliveryJob;
  readonly startAfterMs: number;
};

/** A job that is due again later, as if it had not been claimed. */
export type DeferredJob = {
  readonly job: ClaimedJob;
  readonly ms: number;
  /** Attempts that were written down for its delivery meanwhile. */
  readonly attempts: number;
};

export type OperationName = Pick<AcceptedOperation, 'jobId' | 'operation'>;

/** What a call came to, for all that it was about. */
export type Verdict = {
  /** When the figures that were sent had been read. */
  readonly readAt: Date;
  readonly settled: readonly SettledListing[];
  readonly attempts: readonly AttemptRecord[];
  readonly completed: readonly ClaimedJob[];
  /** Without `retryMs` it goes to the dead-letter queue. */
  readonly failed: readonly {
    readonly job: ClaimedJob;
    readonly retryMs: number | undefined;
    readonly code: string;
  }[];
  readonly deferred: readonly DeferredJob[];
  readonly moved: readonly MovedListings[];
  /** Listings for which the channel showed something else. */
  readonly observed: readonly ObservedListing[];
  /** Listings that were left out, to be looked at again at their time. */
  readonly waiting: readonly WaitingListing[];
  /** Jobs whose stored calls are answered, or given up. */
  readonly answered: readonly string[];
  /** What the channel took and will apply. */
  readonly accepted: readonly AcceptedOperation[];
  /** Operations whose outcome is known, and those that are still open. */
  readonly confirmed: readonly OperationName[];
  readonly polled: readonly OperationName[];
  /** Deliveries that had failed and need no further attempt. */
  readonly superseded: readonly string[];
};

/** A verdict to which nothing has been added. */
export type VerdictDraft = {
  -readonly [Key in keyof Omit<Verdict, 'readAt'>]: Verdict[Key][number][];
};

export function emptyDraft(): VerdictDraft {
  return {
    settled: [],
    attempts: [],
    completed: [],
    failed: [],
    deferred: [],
    moved: [],
    observed: [],
    waiting: [],
    answered: [],
    accepted: [],
    confirmed: [],
    polled: [],
    superseded: [],
  };
}

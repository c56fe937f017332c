import {
  recordAttempts,
  recordListings,
  recordSuperseded,
  type AttemptRecord,
  type ChannelRow,
  type SettledListing,
} from '../channels/index.ts';
import type { Db } from '../db/index.ts';
import type { ClaimedJob, DeliveryQueue } from './delivery-queue.ts';

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
  /** Deliveries that had failed and need no further attempt. */
  readonly superseded: readonly string[];
};

/**
 * Writes verdicts down in one transaction: listings, attempts, follow-up jobs and the jobs
 * themselves. @returns how many follow-up jobs there are
 */
export async function recordVerdicts(
  db: Db,
  queue: DeliveryQueue,
  channel: ChannelRow,
  verdicts: readonly Verdict[],
): Promise<number> {
  const { merchant_id: merchantId, channel_id: channelId, queue: name } = channel;
  const readAt = new Date(Math.min(...verdicts.map((verdict) => verdict.readAt.getTime())));
  return db.transaction().execute(async (tx) => {
    const recorded = await recordListings(
      tx,
      channel,
      readAt,
      verdicts.flatMap(({ settled }) => settled),
    );
    const attempts = verdicts.flatMap((verdict) => verdict.attempts);
    await recordAttempts(tx, merchantId, channelId, attempts);
    const superseded = verdicts.flatMap((verdict) => verdict.superseded);
    await recordSuperseded(tx, merchantId, superseded);
    await queue.insert(tx, recorded.jobs);
    await queue.complete(
      tx,
      name,
      verdicts.flatMap(({ completed }) => completed),
    );
    for (const { job, retryMs, code } of verdicts.flatMap(({ failed }) => failed)) {
      await queue.fail(tx, job, retryMs, { code });
    }
    await queue.removeDead(tx, name, recorded.supersededJobIds);
    return recorded.jobs.length;
  });
}

type Waiting = { readonly verdict: Verdict; readonly done: () => void };

/**
 * Records one channel's verdicts. While one transaction is under way the next verdicts collect, so
 * many small calls share a commit, and a call that hangs keeps no other from being recorded.
 */
export class Recorder {
  readonly #record: (verdicts: readonly Verdict[]) => Promise<void>;
  #queue: Waiting[] = [];
  #isRunning = false;

  /** @param record resolves when the verdicts are recorded or need not be any more */
  constructor(record: (verdicts: readonly Verdict[]) => Promise<void>) {
    this.#record = record;
  }

  add(verdict: Verdict): Promise<void> {
    return new Promise((done) => {
      this.#queue.push({ verdict, done });
      if (!this.#isRunning) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#isRunning = true;
    // Verdicts of the same turn of the event loop join.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, 64);
      await this.#record(batch.map(({ verdict }) => verdict));
      for (const { done } of batch) done();
    }
    this.#isRunning = false;
  }
}

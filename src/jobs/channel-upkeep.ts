import {
  continueBackfill,
  lostCarriers,
  readRequests,
  replaceJobs,
  sweepListings,
  takeRedriven,
  takeRequested,
  type ChannelAdapter,
  type ChannelRow,
  type DeliveryJob,
  type ListingKey,
} from '../channels/index.ts';
import type { ChannelNotes } from './channel-notes.ts';
import type { ClaimedJob } from './delivery-queue.ts';
import type { WorkerContext } from './worker-context.ts';

const betweenChecksMs = 1_000;
/** Levels looked at in one go, and the goes in a turn: a turn costs the database some 100 ms. */
const sweepPage = 5_000;
const pagesInATurn = 10;
/** A level that changed a moment ago is on its way through the outbox. */
const sweepGraceMs = 3_000;
/** A claim whose answer was lost on the way is taken up after so long. */
const orphanAgeMs = 30_000;

export type UpkeepResult = {
  /** Jobs that were made. */
  readonly jobs: number;
  /** Somebody asked for deliveries: they are tried although the channel failed lately. */
  readonly resetCircuit: boolean;
};

/** What a channel's leader does besides delivering: takes over, fills, redrives and sweeps. */
export class ChannelUpkeep {
  readonly #context: WorkerContext;
  readonly #maxBatch: number;
  /** Whether jobs of the channel carry calls or operations from one attempt to the next. */
  readonly #hasCarriers: boolean;
  #hasTakenOver = false;
  /** By performance.now(). */
  #lookAgainAt: number | undefined;
  #isUrgent = true;
  #checkedAt = 0;
  #sweptAt = 0;
  #sweepAfter: ListingKey | undefined;
  readonly #notes: ChannelNotes;

  constructor(context: WorkerContext, adapter: ChannelAdapter, notes: ChannelNotes) {
    this.#notes = notes;
    this.#context = context;
    this.#maxBatch = adapter.maxBatch;
    this.#hasCarriers =
      adapter.capabilities.idempotency !== 'none' || adapter.confirm !== undefined;
  }

  /** Whether what the leader before left behind is seen to: before that nothing is delivered. */
  get hasTakenOver(): boolean {
    return this.#hasTakenOver;
  }

  /** Whether there is more to do at once. */
  get isUrgent(): boolean {
    return this.#isUrgent;
  }

  hurry(): void {
    this.#isUrgent = true;
  }

  /**
   * Jobs may be claimed that nobody works on: nothing is delivered until they are taken over. A
   * claim whose answer was lost may be carried out later still, so it is looked for twice.
   */
  takeOverAgain(): void {
    this.#hasTakenOver = false;
    this.#lookAgainAt = performance.now() + betweenChecksMs;
  }

  /** Does what is due. @param claimed jobs that this process works on */
  async run(channel: ChannelRow, claimed: readonly ClaimedJob[]): Promise<UpkeepResult> {
    const working = claimed.map(({ jobId }) => jobId);
    const now = performance.now();
    let jobs = 0;
    if (this.#hasTakenOver && this.#lookAgainAt !== undefined && now >= this.#lookAgainAt) {
      this.#lookAgainAt = undefined;
      this.#hasTakenOver = false;
      // Not now: a claim that is under way would look as if nobody worked on it.
      this.#isUrgent = true;
      return { jobs, resetCircuit: false };
    }
    if (!this.#hasTakenOver) {
      jobs += await this.#takeOver(channel, working, 0);
      this.#hasTakenOver = true;
    }
    if (!this.#isUrgent && now - this.#checkedAt < betweenChecksMs) {
      return { jobs, resetCircuit: false };
    }
    this.#isUrgent = false;
    this.#checkedAt = now;
    const asked = await readRequests(this.#context.db, channel, this.#context.clock.offsetMs);
    // What a wider buffer held back is sent when the channel no longer lags.
    if (await this.#notes.refresh(channel, claimed)) this.#sweptAt = 0;
    if (asked.hasListings) jobs += await this.#queueRequested(channel, working);
    const redriven = asked.hasRedrive ? await this.#redrive(channel) : 0;
    const filled = asked.hasBackfill
      ? await this.#fill(channel, working)
      : { jobs: 0, isUnfinished: false };
    if (redriven > 0 || filled.isUnfinished) this.#isUrgent = true;
    if (
      !filled.isUnfinished &&
      (this.#sweptAt === 0 || now - this.#sweptAt > this.#context.sweepMs)
    ) {
      jobs += await this.#takeOver(channel, working, orphanAgeMs);
      jobs += await this.#revive(channel, working);
      jobs += await this.#sweep(channel, working);
      this.#sweptAt = now;
    }
    return { jobs: jobs + redriven + filled.jobs, resetCircuit: redriven > 0 };
  }

  /**
   * Claims that nobody works on go to new jobs: their listings do not belong to the old ones any
   * more, so nothing that a process thought dead still does can be recorded.
   */
  async #takeOver(
    channel: ChannelRow,
    working: readonly string[],
    olderThanMs: number,
  ): Promise<number> {
    const { db, queue } = this.#context;
    return db.transaction().execute(async (tx) => {
      const orphans = await queue.orphans(tx, channel.queue, working, olderThanMs);
      if (orphans.length === 0) return 0;
      const jobs = await replaceJobs(
        tx,
        channel,
        orphans.map(({ retryCount, ...job }) => ({
          ...job,
          attempts: job.attemptsBefore + retryCount + 1,
          // The call that was interrupted may not have been made: it counts against nobody.
          spent: job.spent + retryCount,
        })),
      );
      await queue.remove(tx, channel.queue, orphans);
      await queue.insert(tx, jobs);
      return jobs.length;
    });
  }

  /** Before the sweep, which would give their listings to other jobs. */
  async #revive(channel: ChannelRow, working: readonly string[]): Promise<number> {
    if (!this.#hasCarriers) return 0;
    const { db, queue } = this.#context;
    return db.transaction().execute(async (tx) => {
      const jobs = await lostCarriers(tx, channel, working);
      await queue.insert(tx, jobs);
      return jobs.length;
    });
  }

  async #redrive(channel: ChannelRow): Promise<number> {
    const { db, queue } = this.#context;
    return db.transaction().execute(async (tx) => {
      const { jobs, deadJobIds } = await takeRedriven(tx, channel);
      await queue.insert(tx, jobs);
      await queue.removeDead(tx, channel.queue, deadJobIds);
      return jobs.length;
    });
  }

  /** Listings that somebody asked to be looked at. */
  async #queueRequested(channel: ChannelRow, working: readonly string[]): Promise<number> {
    const { db, queue } = this.#context;
    return db.transaction().execute(async (tx) => {
      const { offsetMs } = this.#context.clock;
      const options = { working, maxBatch: this.#maxBatch, offsetMs };
      const jobs = await takeRequested(tx, channel, options);
      await queue.insert(tx, jobs);
      return jobs.length;
    });
  }

  /** The next page of a run over all levels, if one was asked for. */
  async #fill(
    channel: ChannelRow,
    working: readonly string[],
  ): Promise<{ readonly jobs: number; readonly isUnfinished: boolean }> {
    const { db, queue } = this.#context;
    return db.transaction().execute(async (tx) => {
      const page = await continueBackfill(tx, channel, {
        working,
        maxBatch: this.#maxBatch,
        isLagging: this.#notes.isLagging,
      });
      if (page === undefined) return { jobs: 0, isUnfinished: false };
      await queue.insert(tx, page.jobs);
      return { jobs: page.jobs.length, isUnfinished: page.next !== undefined };
    });
  }

  async #sweep(channel: ChannelRow, working: readonly string[]): Promise<number> {
    let made: readonly DeliveryJob[] = [];
    for (let page = 0; page < pagesInATurn; page += 1) {
      const { db, queue } = this.#context;
      const swept = await db.transaction().execute(async (tx) => {
        const found = await sweepListings(tx, channel, {
          after: this.#sweepAfter,
          nonce: null,
          graceMs: sweepGraceMs,
          working,
          maxBatch: this.#maxBatch,
          pageSize: sweepPage,
          isLagging: this.#notes.isLagging,
        });
        await queue.insert(tx, found.jobs);
        return found;
      });
      made = [...made, ...swept.jobs];
      this.#sweepAfter = swept.next;
      if (swept.next === undefined) break;
    }
    if (made.length > 0) {
      const { merchant_id: merchantId, channel_id: channelId } = channel;
      this.#context.events.onRecovered?.({ merchantId, channelId, jobs: made.length });
    }
    return made.length;
  }
}

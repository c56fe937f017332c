import {
  leaseMsOf,
  reloadChannel,
  type ChannelAdapter,
  type ChannelRow,
  type ChannelState,
  type Lease,
  type ReadResult,
} from '../channels/index.ts';
import { CallGate } from './call-gate.ts';
import { ChannelNotes } from './channel-notes.ts';
import { ChannelUpkeep } from './channel-upkeep.ts';
import { claimsFor, fewestClaimed, workNow } from './claim-size.ts';
import { makeCalls } from './make-calls.ts';
import { makeRead, type ListingName } from './make-read.ts';
import type { ClaimedJob } from './delivery-queue.ts';
import { collects, Pace, type PaceSettings } from './pace.ts';
import { recordUntilDone } from './record-until-done.ts';
import { Recorder } from './recorder.ts';
import { Signal } from './signal.ts';
import type { Verdict } from './verdict.ts';
import type { WorkerContext } from './worker-context.ts';

/** Rounds of claim, read, call and record under way at once. */
const maxLanes = 2;
const afterFaultMs = 250;
/** What is due later is found by the poll: timers hold no longer waits than some weeks. */
const longestTimerMs = 3_600_000;

/**
 * Works one channel while this process leads it. It is the channel's bulkhead: places for calls,
 * rate limit, circuit and recorder are its own, so that a slow or dead channel delays no other.
 *
 * Order: a listing belongs to one job at a time, a job is in one call at a time, and only the
 * leader calls. So what a channel is told of a listing is never older than what it was told before.
 */
export class ChannelWorker {
  readonly #context: WorkerContext;
  readonly #adapter: ChannelAdapter;
  readonly #gate: CallGate;
  readonly #upkeep: ChannelUpkeep;
  readonly #notes: ChannelNotes;
  readonly #pace = new Pace();
  readonly #recorder: Recorder;
  readonly #signal = new Signal();
  /** Claimed and not yet settled, by job id. */
  readonly #working = new Map<string, ClaimedJob>();
  readonly #lanes = new Set<Promise<void>>();
  readonly #stopped: Promise<void>;
  #channel: ChannelRow;
  #claimAgain = false;
  /** Jobs to claim at once, by how large the last ones were. */
  #claimMost = fewestClaimed;
  /** Claims under way. */
  #claiming = 0;
  #stopping = false;
  #isAbandoned = false;

  /**
   * @param lease the channel, led from now on
   * @param askedAt when the lease was asked for, by performance.now()
   */
  constructor(context: WorkerContext, adapter: ChannelAdapter, lease: Lease, askedAt: number) {
    const { channel } = lease;
    this.#context = context;
    this.#adapter = adapter;
    this.#channel = channel;
    this.#gate = new CallGate(channel, {
      blockedMs: lease.blockedMs,
      breaker: context.breaker,
      rateModel: adapter.capabilities.rateModel,
    });
    this.#gate.renew(askedAt + leaseMsOf(channel.timeout_ms));
    this.#notes = new ChannelNotes(context, this.#gate);
    this.#upkeep = new ChannelUpkeep(context, adapter, this.#notes);
    this.#recorder = new Recorder((verdicts) => this.#record(verdicts));
    this.#stopped = this.#run();
  }

  get channel(): ChannelRow {
    return this.#channel;
  }

  get isStopping(): boolean {
    return this.#stopping;
  }

  /** The gate's state, for metrics. */
  get gate(): CallGate {
    return this.#gate;
  }

  /** How the channel does. */
  get state(): ChannelState {
    return this.#notes.state;
  }

  get #paceSettings(): PaceSettings {
    const { batchWindowMs, pollIntervalMs: intervalMs } = this.#context;
    return { windowMs: this.#channel.batch_window_ms ?? batchWindowMs, intervalMs };
  }

  /** Whether jobs that are due should be looked for. */
  get isReady(): boolean {
    return !this.#stopping && this.#gate.waitMs() === 0;
  }

  /** @param askedAt when the renewal was sent, by performance.now() */
  renew(channel: ChannelRow, askedAt: number): void {
    this.#gate.renew(askedAt + leaseMsOf(channel.timeout_ms));
    if (channel.updated_at.getTime() !== this.#channel.updated_at.getTime()) {
      this.#gate.configure(channel);
      this.#upkeep.hurry();
    }
    this.#channel = channel;
  }

  /** The most listings that can be read at once; undefined: the channel cannot be read. */
  get readsAtOnce(): number | undefined {
    return this.#adapter.read && (this.#adapter.maxRead ?? this.#adapter.maxBatch);
  }

  /** Asks what listings show, when their turn comes. Undefined: no call may go out now. */
  readShown(listings: readonly ListingName[]): Promise<ReadResult | undefined> {
    const read = this.#adapter.read?.bind(this.#adapter);
    if (read === undefined || this.#stopping) return Promise.resolve(undefined);
    return makeRead(
      {
        context: this.#context,
        channel: this.#channel,
        gate: this.#gate,
        // Where nothing is to be delivered nobody else would see the channel come back.
        isProbe: !this.#gate.isClosed && this.#gate.waitMs() === 0 && this.#lanes.size === 0,
        reload: () => this.#reload(),
      },
      { read },
      listings,
    );
  }

  /** There is a job, or may be. */
  wake(): void {
    this.#claimAgain = true;
    this.#pace.wake(performance.now(), this.#paceSettings);
    this.#signal.notify();
  }

  /** Something was asked of the channel: look at once. */
  hurry(): void {
    this.#upkeep.hurry();
    this.wake();
  }

  /**
   * Ends what is in flight, gives back what is not, and resolves when nothing is left.
   * @param timeoutMs calls that take longer are cut off; their jobs are given back
   */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#gate.close();
    this.#signal.notify();
    const cutOff = setTimeout(() => this.#gate.cutOff(), timeoutMs);
    await this.#stopped.finally(() => clearTimeout(cutOff));
  }

  /** As if the process had been killed: nothing is recorded, given back or released. For tests. */
  async abandon(): Promise<void> {
    this.#isAbandoned = true;
    this.#stopping = true;
    this.#gate.close();
    this.#gate.cutOff();
    this.#signal.notify();
    await this.#stopped;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      // Jobs that are just being claimed would look as if nobody worked on them.
      if (!this.#upkeep.hasTakenOver && this.#claiming > 0) {
        await this.#signal.wait(afterFaultMs);
        continue;
      }
      try {
        const made = await this.#upkeep.run(this.#channel, [...this.#working.values()]);
        if (made.resetCircuit) this.#gate.circuit.reset();
        if (made.jobs > 0) this.wake();
      } catch (error) {
        this.#context.logger.warn(
          { err: error, channelId: this.#channel.channel_id },
          'the upkeep of a channel failed; it is tried again',
        );
        await this.#signal.wait(afterFaultMs);
      }
      this.#startLane();
      const wait = this.#upkeep.isUrgent ? 0 : this.#waitMs();
      if (wait > 0) await this.#signal.wait(Math.min(wait, 1_000));
      else await Promise.resolve();
    }
    await Promise.all(this.#lanes);
    if (!this.#isAbandoned) await this.#giveBack([...this.#working.values()]);
  }

  /** Until there may be something to do, in ms. */
  #waitMs(): number {
    const pace = this.#pace.waitMs(performance.now(), this.#paceSettings);
    return Math.max(this.#gate.waitMs(), pace ?? 0) || 1_000;
  }

  #startLane(): void {
    const now = performance.now();
    if (this.#pace.waitMs(now, this.#paceSettings) !== 0) return;
    if (this.#stopping || !this.#upkeep.hasTakenOver || this.#gate.waitMs() > 0) return;
    // While the channel fails, one job at a time; beside a busy writer, one lane.
    const limit = this.#gate.isClosed && !this.#context.isBusy() ? maxLanes : 1;
    if (this.#lanes.size >= limit) return;
    this.#claimAgain = false;
    this.#pace.begin(now);
    const lane = this.#lane()
      .catch(async (error: unknown) => {
        const { channel_id: channelId } = this.#channel;
        this.#context.logger.warn({ err: error, channelId }, 'deliveries were interrupted');
        await new Signal().wait(afterFaultMs);
        return true;
      })
      .then((hasWorked) => {
        this.#lanes.delete(lane);
        // The next call after a failure is this lane's successor's.
        if (this.#claimAgain || (hasWorked && !this.#gate.isClosed)) this.#signal.notify();
      });
    this.#lanes.add(lane);
  }

  /** Claims and works until nothing is due, and says whether anything was. */
  async #lane(): Promise<boolean> {
    let hasWorked = false;
    while (!this.#stopping && this.#upkeep.hasTakenOver && this.#gate.waitMs() === 0) {
      const isProbe = !this.#gate.isClosed;
      if (isProbe && this.#lanes.size > 1) break;
      if (this.#lanes.size > 1 && this.#context.isBusy()) {
        this.#claimAgain = true;
        break;
      }
      const isCollected = collects(this.#paceSettings);
      const most = Math.max(this.#claimMost, isCollected ? this.#adapter.maxBatch : 0);
      const limit = isProbe ? 1 : this.#gate.claimLimit(most);
      this.#claimAgain = false;
      const begunAt = performance.now();
      const jobs = await this.#claim(limit);
      const { now, later } = workNow(jobs, this.#adapter.maxBatch);
      await this.#giveBack(later);
      const left = now.length > 0 ? await this.#work(now, isProbe) : 0;
      hasWorked ||= jobs.length > 0;
      // Those were all. What came meanwhile has said so, or is collected for the next round.
      const wereAll = jobs.length < limit && later.length + left === 0;
      if (wereAll && (isCollected || !this.#claimAgain)) break;
      if (!isCollected && this.#context.isBusy() && this.#pace.rests(begunAt, now)) {
        this.#claimAgain = true;
        break;
      }
    }
    return hasWorked;
  }

  async #claim(limit: number): Promise<readonly ClaimedJob[]> {
    this.#claiming += 1;
    try {
      const { queue, rounds } = this.#context;
      const jobs = await queue.claim(rounds.db, this.#channel.queue, limit);
      for (const job of jobs) this.#working.set(job.jobId, job);
      this.#claimMost = claimsFor(jobs, this.#adapter.maxBatch);
      return jobs;
    } catch (error) {
      // It may have happened, and only the answer was lost.
      this.#upkeep.takeOverAgain();
      throw error;
    } finally {
      this.#claiming -= 1;
    }
  }

  /** Returns how many jobs were given back. */
  async #work(jobs: readonly ClaimedJob[], isProbe: boolean): Promise<number> {
    const left = await makeCalls({
      context: this.#context,
      adapter: this.#adapter,
      channel: this.#channel,
      gate: this.#gate,
      jobs,
      isProbe,
      isLagging: this.#notes.isLagging,
      joined: (joined) => {
        for (const { jobId } of joined) this.#working.delete(jobId);
      },
      reload: () => this.#reload(),
      settle: (verdict) => this.#recorder.add(verdict),
      // A job that failed is due by its own time, without waiting for the poll.
      wakeIn: (ms) => setTimeout(() => this.wake(), Math.min(ms, longestTimerMs)).unref(),
    }).catch(async (error: unknown) => {
      await this.#giveBack(jobs.filter(({ jobId }) => this.#working.has(jobId)));
      throw error;
    });
    await this.#giveBack(left);
    return left.length;
  }

  async #reload(): Promise<ChannelRow | undefined> {
    const channel = await reloadChannel(this.#context.db, this.#channel);
    const isLed = channel?.enabled === true && channel.paused_at === null;
    if (isLed) {
      this.#channel = channel;
      this.#gate.configure(channel);
      return channel;
    }
    this.#stopping = true;
    this.#gate.close();
    this.#signal.notify();
    return undefined;
  }

  async #record(verdicts: readonly Verdict[]): Promise<void> {
    const recorded = await recordUntilDone(this.#context, this.#channel, verdicts, {
      maxBatch: this.#adapter.maxBatch,
      isAbandoned: () => this.#isAbandoned,
      // Another leader has begun anew with what is not recorded by then.
      isLeader: () => this.#gate.isLeased,
    });
    if (recorded !== undefined) {
      if (recorded.followUps > 0) this.wake();
      this.#notes.take(verdicts.flatMap(({ attempts }) => attempts));
    }
    for (const { completed, failed, deferred } of verdicts) {
      for (const job of completed) this.#working.delete(job.jobId);
      for (const { job } of [...failed, ...deferred]) this.#working.delete(job.jobId);
    }
  }

  /** What cannot be given back is an orphan, and found by the upkeep of whoever leads then. */
  async #giveBack(jobs: readonly ClaimedJob[]): Promise<void> {
    if (jobs.length === 0 || this.#isAbandoned) return;
    const { db, queue, logger } = this.#context;
    try {
      await queue.giveBack(db, this.#channel.queue, jobs);
    } catch (error) {
      logger.warn({ err: error }, 'jobs could not be given back');
      this.#upkeep.takeOverAgain();
    }
    for (const job of jobs) this.#working.delete(job.jobId);
  }
}

import {
  blockChannel,
  messageIdOf,
  pauseChannel,
  publish,
  reassignListings,
  storeCall,
  type ChannelAdapter,
  type ChannelRow,
  type PublishFailure,
  type Step,
  type WaitingListing,
} from '../channels/index.ts';
import { passFailpoint } from '../failpoint.ts';
import { newId } from '../ids.ts';
import type { CallReport } from './attempts.ts';
import type { CallGate } from './call-gate.ts';
import type { ClaimedJob } from './delivery-queue.ts';
import { judge, type Call } from './judge.ts';
import { spendBudget } from './spend-budget.ts';
import type { Verdict } from './verdict.ts';
import type { WorkerContext } from './worker-context.ts';

export type CallsInput = {
  readonly context: WorkerContext;
  readonly adapter: ChannelAdapter;
  readonly channel: ChannelRow;
  readonly gate: CallGate;
  readonly jobs: readonly ClaimedJob[];
  /** The channel fails: this is the one call to see whether it still does. */
  readonly isProbe: boolean;
  /** The channel is behind: its buffer may be wider. */
  readonly isLagging: boolean;
  /** The channel changed: gives it as it is now, or undefined when it is not ours to work. */
  readonly reload: () => Promise<ChannelRow | undefined>;
  /** Resolves when the verdict is recorded. */
  readonly settle: (verdict: Verdict) => Promise<void>;
  /** Jobs that are no more: another one has their listings. */
  readonly joined: (jobs: readonly ClaimedJob[]) => void;
  readonly wakeIn: (ms: number) => void;
};

/** A moment of the database's clock, and when it was asked for and known, by performance.now(). */
export type ReadClock = {
  readonly readAt: Date;
  readonly askedAt: number;
  readonly knownAt: number;
};

/** Waits that are worth a note for the leader after this one. */
const notedBlockMs = 2_000;

/**
 * Makes a call when its turn comes, and settles what it came to.
 * @param storedId of a stored call: the key it was sent with before
 * @returns jobs for which no call was made, to be given back
 */
export async function makeCall(
  input: CallsInput,
  call: Call,
  clock: ReadClock,
  storedId?: string,
): Promise<readonly ClaimedJob[]> {
  const changes = call.steps.flatMap((step) => step.changes);
  if (changes.length === 0) {
    await finish(input, call, nothingSent(clock));
    return [];
  }
  const isStored = input.adapter.capabilities.idempotency !== 'none';
  const { merchant_id: merchantId, channel_id: channelId } = input.channel;
  const isRepeated = storedId !== undefined;
  const messageId = isStored
    ? (storedId ?? newId('msg'))
    : messageIdOf(merchantId, channelId, changes, noncesOf(call.steps));
  let sent = call;
  let waiting: readonly WaitingListing[] = [];
  const report = await input.gate.pass(input.isProbe, async () => {
    if (isStored) {
      if (!isRepeated) sent = await store(input, call, messageId);
      return await send(input, sent, { messageId, isStored, isRepeated }, clock);
    }
    const affordable = await spendBudget(input, call);
    ({ call: sent, waiting } = affordable);
    if (sent.steps.every((step) => step.changes.length === 0)) return nothingSent(clock);
    const made = await send(input, sent, { messageId, isStored, isRepeated }, clock);
    if (made?.result.ok === false && made.result.failure.isNotDone === true) {
      await affordable.giveBack();
    }
    return made;
  });
  if (report === undefined) return sent.jobs;
  if (report.messageId === null) await finish(input, sent, report, waiting);
  else await afterCall(input, sent, report, waiting);
  return [];
}

function nothingSent(clock: ReadClock): CallReport {
  return {
    startedAt: startOf(clock),
    messageId: null,
    durationMs: 0,
    result: { ok: true },
    isStored: false,
    isRepeated: false,
    toldAt: null,
  };
}

function startOf({ readAt, askedAt }: ReadClock): Date {
  return new Date(readAt.getTime() + performance.now() - askedAt);
}

function noncesOf(steps: readonly Step[]): (string | null)[] {
  const sent = steps.filter(({ changes }) => changes.some(({ entry }) => entry === undefined));
  return [...new Set(sent.map(({ settlement }) => settlement.nonce))];
}

/**
 * Keeps a call before it is sent: after a crash or a lost answer it is repeated as it is. Its jobs
 * become one, which carries it.
 */
async function store(input: CallsInput, call: Call, messageId: string): Promise<Call> {
  const { context, channel, adapter } = input;
  const [first, ...others] = call.jobs;
  if (first === undefined) return call;
  const { jobId } = first;
  const job = { ...first, listings: call.jobs.flatMap(({ listings }) => listings) };
  const steps = call.steps.map((step) => ({
    ...step,
    settlement: { ...step.settlement, jobId },
  }));
  await context.db.transaction().execute(async (tx) => {
    if (others.length > 0) {
      const moves = others.flatMap((other) =>
        other.listings.map(([sku, storeId]) => {
          return { jobId: other.jobId, nextJobId: jobId, sku, storeId };
        }),
      );
      await reassignListings(tx, channel, moves);
      await context.queue.join(tx, job, others);
    }
    const address = adapter.address(channel.config);
    await storeCall(tx, channel, { jobId, messageId, steps, readAt: call.readAt, address });
  });
  input.joined(others);
  return { jobs: [job], steps, readAt: call.readAt };
}

async function send(
  { context, adapter, channel, gate, isProbe }: CallsInput,
  call: Call,
  how: Pick<CallReport, 'isStored' | 'isRepeated'> & { readonly messageId: string },
  clock: ReadClock,
): Promise<CallReport | undefined> {
  // Storing or counting it took time: the lease may be about to end.
  const hasWaited = how.isStored || adapter.revisions !== undefined;
  if (hasWaited && !gate.mayCall(isProbe)) return undefined;
  const startedAt = startOf(clock);
  const from = performance.now();
  const changes = call.steps.flatMap((step) => step.changes);
  const { messageId, isRepeated } = how;
  const about = { messageId, isRepeated, readAt: call.readAt };
  const result = await publish(adapter, channel, changes, about, {
    secretBox: context.secretBox,
    now: () => context.clock.now(),
    signal: gate.signal,
  });
  // Cut off because the process stops: no attempt of the channel's making.
  if (gate.signal.aborted && !result.ok) return undefined;
  // Before the next call can begin.
  const wait = result.ok ? result.nextCallInMs : waitOf(result.failure, context.retry.baseMs);
  if (wait !== undefined && wait > 0) gate.pace(wait, result.ok);
  const toldAt = new Date(clock.readAt.getTime() + performance.now() - clock.knownAt);
  return { ...how, startedAt, durationMs: performance.now() - from, result, toldAt };
}

function waitOf(failure: PublishFailure, baseMs: number): number | undefined {
  return failure.retryAfterMs ?? (failure.isThrottled === true ? baseMs : undefined);
}

/** What a call means for the channel, before it is recorded. */
async function afterCall(
  input: CallsInput,
  call: Call,
  report: CallReport,
  waiting: readonly WaitingListing[],
): Promise<void> {
  const { context, gate } = input;
  const { result } = report;
  if (result.ok) {
    passFailpoint('delivery_taken');
    if (result.failure === undefined) gate.circuit.succeeded();
    else await noteFailure(input, result.failure, context.retry.baseMs);
    await finish(input, call, report, waiting);
    return;
  }
  const verdict = { ...judge({ ...input, retry: context.retry }, call, report), waiting };
  const again = [...verdict.failed.map(({ retryMs }) => retryMs ?? 0), ...msOf(verdict)];
  const retryMs = Math.max(...again, 0);
  await noteFailure(input, result.failure, retryMs);
  await input.settle(verdict);
  tell(input, verdict);
  if (retryMs > 0) input.wakeIn(retryMs);
}

function msOf({ deferred }: Verdict): readonly number[] {
  return deferred.map(({ ms }) => ms);
}

/** What a failed call means for the calls after it. */
export async function noteFailure(
  input: Pick<CallsInput, 'context' | 'channel' | 'gate' | 'reload'>,
  failure: PublishFailure,
  retryMs: number,
): Promise<void> {
  const { context, channel, gate } = input;
  const { merchant_id: merchantId, channel_id: channelId } = channel;
  const now = performance.now();
  if (failure.isThrottled === true) {
    gate.countThrottled();
    context.events.onThrottled?.({ merchantId, channelId, code: failure.code });
  } else if (failure.scope === 'request') gate.circuit.succeeded();
  else gate.circuit.failed(now, retryMs || context.retry.baseMs);
  const { retryAfterMs } = failure;
  if (retryAfterMs !== undefined) {
    gate.block(retryAfterMs);
    const isNoted = failure.isThrottled !== true || retryAfterMs >= notedBlockMs;
    if (isNoted) await blockChannel(context.db, channel, retryAfterMs);
  }
  if (failure.pause !== undefined) {
    await pauseChannel(context.db, merchantId, channelId, failure.pause);
    context.events.onPaused?.({ merchantId, channelId, reason: failure.pause });
    // Finds it paused and lets it go, unless somebody has resumed it already.
    await input.reload();
  }
}

async function finish(
  input: CallsInput,
  call: Call,
  report: CallReport,
  waiting: readonly WaitingListing[] = [],
): Promise<void> {
  const verdict = { ...judge({ ...input, retry: input.context.retry }, call, report), waiting };
  await input.settle(verdict);
  tell(input, verdict);
  for (const { startAfterMs } of verdict.moved) if (startAfterMs > 0) input.wakeIn(startAfterMs);
  for (const ms of msOf(verdict)) input.wakeIn(ms);
}

/** Tells logs and metrics what happened. */
export function tell({ context, channel }: CallsInput, verdict: Verdict): void {
  const { merchant_id: merchantId, channel_id: channelId } = channel;
  const waiting = verdict.waiting.length;
  if (waiting > 0) context.events.onWaiting?.({ merchantId, channelId, listings: waiting });
  for (const attempt of verdict.attempts) {
    const { outcome, listings, lagMs, durationMs, httpStatus, errorCode } = attempt;
    const about = { merchantId, channelId, listings, errorCode };
    context.events.onAttempt?.({ ...about, outcome, lagMs, durationMs, httpStatus });
    if (attempt.status === 'dead') {
      context.events.onDead?.({ ...about, deliveryId: attempt.deliveryId });
    }
  }
}

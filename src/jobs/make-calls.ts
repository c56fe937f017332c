import {
  blockChannel,
  messageIdOf,
  pauseChannel,
  planEntries,
  planLatest,
  publish,
  readListings,
  type ChannelAdapter,
  type ChannelRow,
  type DueListing,
  type Step,
} from '../channels/index.ts';
import { passFailpoint } from '../failpoint.ts';
import type { CallGate } from './call-gate.ts';
import type { WorkerContext } from './worker-context.ts';
import type { ClaimedJob } from './delivery-queue.ts';
import type { Verdict } from './recorder.ts';
import { judge, type Call, type CallReport } from './verdict.ts';

export type CallsInput = {
  readonly context: WorkerContext;
  readonly adapter: ChannelAdapter;
  readonly channel: ChannelRow;
  readonly gate: CallGate;
  readonly jobs: readonly ClaimedJob[];
  /** The channel fails: this is the one call to see whether it still does. */
  readonly isProbe: boolean;
  /** The channel changed: gives it as it is now, or undefined when it is not ours to work. */
  readonly reload: () => Promise<ChannelRow | undefined>;
  /** Resolves when the verdict is recorded. */
  readonly settle: (verdict: Verdict) => Promise<void>;
  readonly wakeIn: (ms: number) => void;
};

/**
 * Works claimed jobs: one read for all of them, then their calls, each recorded when it ends.
 * @returns jobs for which no call was made, to be given back
 */
export async function makeCalls(input: CallsInput): Promise<readonly ClaimedJob[]> {
  const { context, adapter, jobs } = input;
  let { channel } = input;
  const askedAt = performance.now();
  const read = await readListings(context.db, channel, jobs, context.clock.offsetMs);
  if (
    read.channelUpdatedAt !== undefined &&
    read.channelUpdatedAt.getTime() !== channel.updated_at.getTime()
  ) {
    const reloaded = await input.reload();
    if (reloaded === undefined) return jobs;
    channel = reloaded;
  }
  const byJob = Map.groupBy(read.due, (due) => due.jobId);
  const left = await Promise.all(
    groupJobs(jobs, byJob, adapter.maxBatch).map(async (group) => {
      const due = group.flatMap((job) => byJob.get(job.jobId) ?? []);
      const steps =
        channel.mode === 'latest'
          ? due.map(planLatest)
          : await planEntries(context.db, channel, due, adapter.maxBatch);
      const call = { jobs: group, steps, readAt: read.readAt };
      return await makeCall({ ...input, channel }, call, askedAt);
    }),
  );
  return left.flat();
}

/**
 * Jobs that share a call. Only first attempts do: what is tried again keeps its content, and with
 * it its message id.
 */
function groupJobs(
  jobs: readonly ClaimedJob[],
  byJob: ReadonlyMap<string, readonly DueListing[]>,
  maxBatch: number,
): readonly (readonly ClaimedJob[])[] {
  const groups: ClaimedJob[][] = [];
  let open: ClaimedJob[] | undefined;
  let size = 0;
  for (const job of jobs) {
    const count = byJob.get(job.jobId)?.length ?? 0;
    if (job.retryCount > 0 || job.isAlone) groups.push([job]);
    else if (open !== undefined && size + count <= maxBatch) {
      open.push(job);
      size += count;
    } else {
      open = [job];
      size = count;
      groups.push(open);
    }
  }
  return groups;
}

async function makeCall(
  input: CallsInput,
  call: Call,
  askedAt: number,
): Promise<readonly ClaimedJob[]> {
  const { context, adapter, channel, gate } = input;
  const changes = call.steps.flatMap((step) => step.changes);
  const begun = (): Pick<CallReport, 'startedAt'> => ({
    startedAt: new Date(call.readAt.getTime() + performance.now() - askedAt),
  });
  if (changes.length === 0) {
    await finish(input, call, {
      ...begun(),
      messageId: null,
      durationMs: 0,
      result: { ok: true },
    });
    return [];
  }
  const messageId = messageIdOf(
    channel.merchant_id,
    channel.channel_id,
    changes,
    noncesOf(call.steps),
  );
  const report = await gate.pass(input.isProbe, async (): Promise<CallReport | undefined> => {
    const { startedAt } = begun();
    const from = performance.now();
    const result = await publish(adapter, channel, changes, messageId, {
      secretBox: context.secretBox,
      now: () => context.clock.now(),
      signal: gate.signal,
    });
    // Cut off because the process stops: no attempt of the channel's making.
    if (gate.signal.aborted && !result.ok) return undefined;
    const durationMs = performance.now() - from;
    return { startedAt, messageId, durationMs, result };
  });
  if (report === undefined) return call.jobs;
  return await afterCall(input, call, report);
}

function noncesOf(steps: readonly Step[]): (string | null)[] {
  const sent = steps.filter(({ changes }) => changes.some(({ entry }) => entry === undefined));
  return [...new Set(sent.map(({ settlement }) => settlement.nonce))];
}

/** What a call means for the channel, before it is recorded. */
async function afterCall(
  input: CallsInput,
  call: Call,
  report: CallReport,
): Promise<readonly ClaimedJob[]> {
  const { context, channel, gate } = input;
  const { result } = report;
  if (result.ok) {
    passFailpoint('delivery_taken');
    gate.circuit.succeeded();
    await finish(input, call, report);
    return [];
  }
  const { failure } = result;
  const verdict = judge(channel, context.retry, call, report);
  const retryMs = Math.max(...verdict.failed.map((failed) => failed.retryMs ?? 0), 0);
  if (failure.scope === 'request') gate.circuit.succeeded();
  else gate.circuit.failed(performance.now(), retryMs || context.retry.baseMs);
  if (failure.retryAfterMs !== undefined) {
    gate.block(failure.retryAfterMs);
    await blockChannel(context.db, channel, failure.retryAfterMs);
  }
  if (failure.pause !== undefined) {
    const { merchant_id: merchantId, channel_id: channelId } = channel;
    await pauseChannel(context.db, merchantId, channelId, failure.pause);
    context.events.onPaused?.({ merchantId, channelId, reason: failure.pause });
    // Finds it paused and lets it go, unless somebody has resumed it already.
    await input.reload();
  }
  await input.settle(verdict);
  tell(input, verdict);
  if (retryMs > 0) input.wakeIn(retryMs);
  return [];
}

async function finish(input: CallsInput, call: Call, report: CallReport): Promise<void> {
  const verdict = judge(input.channel, input.context.retry, call, report);
  await input.settle(verdict);
  tell(input, verdict);
}

function tell({ context, channel }: CallsInput, verdict: Verdict): void {
  const { merchant_id: merchantId, channel_id: channelId } = channel;
  for (const attempt of verdict.attempts) {
    const { outcome, listings, lagMs, durationMs, httpStatus, errorCode } = attempt;
    const about = { merchantId, channelId, listings, errorCode };
    context.events.onAttempt?.({ ...about, outcome, lagMs, durationMs, httpStatus });
    if (attempt.status === 'dead') {
      context.events.onDead?.({ ...about, deliveryId: attempt.deliveryId });
    }
  }
}

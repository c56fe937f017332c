import {
  backoffMs,
  type AttemptRecord,
  type ChannelRow,
  type DeliveryStatus,
  type PublishResult,
  type RetrySettings,
  type SettledListing,
  type Step,
} from '../channels/index.ts';
import type { ClaimedJob } from './delivery-queue.ts';
import type { Verdict } from './recorder.ts';

/** One call: the jobs that share it, and what it has to say for their listings. */
export type Call = {
  readonly jobs: readonly ClaimedJob[];
  readonly steps: readonly Step[];
  readonly readAt: Date;
};

/** How the call went. */
export type CallReport = {
  readonly messageId: string | null;
  /** By the database's clock, as the times of the changes are. */
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly result: PublishResult;
};

/** What the column holds: a channel may have been paused for longer. */
const longestMs = 2_147_483_647;

type StepOutcome =
  { readonly kind: 'settled' } | { readonly kind: 'retry' | 'refused'; readonly code: string };

/** What follows from a call: for each of its jobs what becomes of it and of its listings. */
export function judge(
  channel: ChannelRow,
  retry: RetrySettings,
  call: Call,
  report: CallReport,
): Verdict {
  const outcomes = outcomesOfSteps(call.steps, report.result);
  const settled: SettledListing[] = [];
  const attempts: AttemptRecord[] = [];
  const completed: ClaimedJob[] = [];
  const failed: { job: ClaimedJob; retryMs: number | undefined; code: string }[] = [];
  const superseded: string[] = [];
  for (const job of call.jobs) {
    const steps = call.steps.filter(({ settlement }) => settlement.jobId === job.jobId);
    const again = steps.map((step) => outcomes.get(step)).find((o) => o?.kind === 'retry');
    const retryMs = again === undefined ? undefined : retryDelay(channel, retry, job, report);
    const isDead = again !== undefined && retryMs === undefined;
    let open = 0;
    for (const step of steps) {
      const outcome = outcomes.get(step) ?? { kind: 'settled' };
      if (outcome.kind === 'retry' && !isDead) continue;
      const dead = outcome.kind !== 'settled';
      if (dead) open += 1;
      settled.push({ ...step.settlement, deadDelivery: dead ? job.deliveryId : null });
    }
    const code = codeOf(steps, outcomes);
    if (code === null) completed.push(job);
    else failed.push({ job, retryMs, code });
    const status = statusOf(steps, retryMs, open);
    if (status !== undefined) {
      attempts.push(attemptOf(job, steps, report, { status, open, code }));
    } else if (attemptNumber(job) > 1) superseded.push(job.deliveryId);
  }
  return { readAt: call.readAt, settled, attempts, completed, failed, superseded };
}

/** What became of each step: all its changes, or the first that was not taken. */
function outcomesOfSteps(
  steps: readonly Step[],
  result: PublishResult,
): ReadonlyMap<Step, StepOutcome> {
  const outcomes = new Map<Step, StepOutcome>();
  let position = 0;
  for (const step of steps) {
    const from = position;
    position += step.changes.length;
    if (step.changes.length === 0) outcomes.set(step, { kind: 'settled' });
    else if (!result.ok) outcomes.set(step, { kind: 'retry', code: result.failure.code });
    else {
      const own = result.outcomes?.slice(from, position) ?? [];
      const bad = own.find(({ kind }) => kind === 'retry' || kind === 'refused');
      outcomes.set(
        step,
        bad?.kind === 'retry' || bad?.kind === 'refused' ? bad : { kind: 'settled' },
      );
    }
  }
  return outcomes;
}

/** Why a job failed: what has to be tried again tells more than what was refused for good. */
function codeOf(steps: readonly Step[], outcomes: ReadonlyMap<Step, StepOutcome>): string | null {
  const bad = steps.flatMap((step) => {
    const outcome = outcomes.get(step);
    return outcome === undefined || outcome.kind === 'settled' ? [] : [outcome];
  });
  return (bad.find(({ kind }) => kind === 'retry') ?? bad[0])?.code ?? null;
}

/** When the job is due again, in ms, or undefined when its attempts are spent. */
function retryDelay(
  channel: ChannelRow,
  retry: RetrySettings,
  job: ClaimedJob,
  report: CallReport,
): number | undefined {
  const attempt = job.retryCount + 1;
  const most = channel.max_attempts ?? retry.maxAttempts;
  if (retry.deadLetters && attempt >= most) return undefined;
  const asked = report.result.ok ? 0 : (report.result.failure.retryAfterMs ?? 0);
  return Math.max(backoffMs(retry, attempt, Math.random()), asked);
}

function statusOf(
  steps: readonly Step[],
  retryMs: number | undefined,
  open: number,
): DeliveryStatus | undefined {
  if (open > 0) return 'dead';
  if (retryMs !== undefined) return 'retrying';
  if (steps.some(({ changes }) => changes.length > 0)) return 'delivered';
  return steps.some(({ isEcho }) => isEcho) ? 'suppressed' : undefined;
}

function attemptNumber(job: ClaimedJob): number {
  return job.attemptsBefore + job.retryCount + 1;
}

function attemptOf(
  job: ClaimedJob,
  steps: readonly Step[],
  report: CallReport,
  how: { status: DeliveryStatus; open: number; code: string | null },
): AttemptRecord {
  const { status, open, code } = how;
  const isAcknowledged = status === 'delivered';
  return {
    deliveryId: job.deliveryId,
    jobId: job.jobId,
    messageId: status === 'suppressed' ? null : report.messageId,
    status,
    listings: steps.filter(({ changes, isEcho }) => changes.length > 0 || isEcho).length,
    openListings: open,
    attempt: attemptNumber(job),
    startedAt: report.startedAt,
    outcome: isAcknowledged ? 'delivered' : status === 'suppressed' ? 'suppressed' : 'failed',
    httpStatus: statusCodeOf(report.result),
    errorCode: code,
    lagMs: isAcknowledged ? lagOf(steps, report) : null,
    durationMs: Math.round(report.durationMs),
  };
}

function statusCodeOf(result: PublishResult): number | null {
  const status = result.ok ? result.httpStatus : result.failure.httpStatus;
  return status ?? null;
}

/** From the record of the oldest change to the acknowledgement. */
function lagOf(steps: readonly Step[], report: CallReport): number | null {
  const waiting = steps
    .filter(({ changes }) => changes.length > 0)
    .flatMap(({ settlement }) => settlement.pendingSince?.getTime() ?? []);
  if (waiting.length === 0) return null;
  const acknowledgedAt = report.startedAt.getTime() + report.durationMs;
  const lagMs = Math.round(acknowledgedAt - Math.min(...waiting));
  return Math.min(Math.max(lagMs, 0), longestMs);
}

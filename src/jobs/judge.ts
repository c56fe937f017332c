import { randomUUID } from 'node:crypto';
import { newId } from '../ids.ts';
import {
  backoffMs,
  newDeliveryJob,
  type ChannelAdapter,
  type ChannelRow,
  type DeliveryStatus,
  type PublishFailure,
  type RetrySettings,
  type SettledListing,
  type Step,
} from '../channels/index.ts';
import { attemptNumber, attemptOf, spentAttempts, type CallReport } from './attempts.ts';
import type { ClaimedJob } from './delivery-queue.ts';
import { codeOf, outcomesOfSteps, type StepOutcome } from './step-outcomes.ts';
import { emptyDraft, type Verdict, type VerdictDraft } from './verdict.ts';

/** One call: the jobs that share it, and what it has to say for their listings. */
export type Call = {
  readonly jobs: readonly ClaimedJob[];
  readonly steps: readonly Step[];
  readonly readAt: Date;
};

/** By what a call is judged. */
export type JudgeContext = {
  readonly channel: ChannelRow;
  readonly adapter: Pick<ChannelAdapter, 'confirm' | 'address'>;
  readonly retry: RetrySettings;
};

export type Judged = { readonly step: Step; readonly outcome: StepOutcome };

/** What follows from a call: for each of its jobs what becomes of it and of its listings. */
export function judge(context: JudgeContext, call: Call, report: CallReport): Verdict {
  const draft = emptyDraft();
  const { result } = report;
  const isAnswered = result.ok || isRefused(report, result.failure);
  const outcomes = outcomesOfSteps(call.steps, result, context.adapter.confirm !== undefined);
  for (const job of call.jobs) {
    const judged = call.steps
      .filter(({ settlement }) => settlement.jobId === job.jobId)
      .map((step) => ({ step, outcome: outcomes.get(step) ?? ({ kind: 'settled' } as const) }));
    if (report.isStored && isAnswered) draft.answered.push(job.jobId);
    if (!result.ok && result.failure.isThrottled === true) {
      const ms = result.failure.retryAfterMs ?? backoffMs(context.retry, 1, Math.random());
      draft.deferred.push({ job, ms, attempts: 0 });
    } else judgeJob(context, draft, { job, judged, readAt: call.readAt, report });
  }
  return { ...draft, readAt: call.readAt };
}

/**
 * Whether the channel says that the call was not done. Of one that is repeated, because it may have
 * been done before, only a word about its content says so: that the channel is busy or away now,
 * or does not let us in, says nothing about then.
 */
function isRefused({ isRepeated }: CallReport, failure: PublishFailure): boolean {
  if (failure.isNotDone !== true) return false;
  return !isRepeated || (failure.scope === 'request' && failure.isThrottled !== true);
}

/** A job with what became of its listings. */
export type JudgedJob = {
  readonly job: ClaimedJob;
  readonly judged: readonly Judged[];
  /** When its figures had been read. */
  readonly readAt: Date;
  readonly report: CallReport;
  /** When to ask again for operations of the job that are still open; absent: there are none. */
  readonly pollMs?: number | undefined;
};

/** Judges what an answer, or none, means for one job; also for what was confirmed later. */
export function judgeJob(context: JudgeContext, draft: VerdictDraft, about: JudgedJob): void {
  const { job, judged, report } = about;
  const bystanders = bystandersOf(judged);
  const isSpent = isLast(context, job);
  const isOver = (one: Judged): boolean => {
    return isSpent && !bystanders.has(one) && !isThrottled(one.outcome);
  };
  const open = judged.filter((one) => isOpen(one.outcome) && !isOver(one));
  const accepted = judged.filter(({ outcome }) => outcome.kind === 'accepted');
  const isWaiting = accepted.length > 0 || about.pollMs !== undefined;
  const staying = isWaiting ? [] : open.filter(({ outcome }) => staysInJob(outcome));
  const leaving = open.filter((one) => !staying.includes(one));
  const held = leaving.filter((one) => isHeld(context, one));
  const dead = judged.filter((one) => {
    return one.outcome.kind === 'refused' || (isOpen(one.outcome) && isOver(one));
  });
  const goesOn = isWaiting || staying.length > 0;
  // A job that goes on writes over what became of its delivery.
  const letter = goesOn && dead.length > 0 ? deadLetterOf(draft, about, dead) : job.deliveryId;
  settleAll(draft, about, new Set(dead), letter);
  keepAccepted(context, draft, about, accepted);
  const groups = groupsOf(
    context,
    job,
    leaving.filter((one) => !held.includes(one)),
    bystanders,
  );
  // What goes on in one other job is the same delivery; else each has one of its own.
  const isSameDelivery = groups.length === 1 && dead.length === 0 && !goesOn;
  for (const group of groups) moveGroup(draft, about, { ...group, isSameDelivery });
  for (const one of held) observe(draft, about, one, null);

  const own = goesOn ? judged.filter((one) => !dead.includes(one)) : judged;
  const code = codeOf(own.map(({ outcome }) => outcome));
  const retryMs = staying.length > 0 ? retryDelay(context.retry, job, report) : undefined;
  if (isWaiting) {
    const ms = about.pollMs ?? backoffMs(context.retry, 1, 0);
    draft.deferred.push({ job, ms, attempts: 1 });
  } else if (retryMs !== undefined || dead.length > 0) {
    draft.failed.push({ job, retryMs, code: code ?? 'internal' });
  } else draft.completed.push(job);
  const ownDead = goesOn ? 0 : dead.length;
  const status = statusOf(own, {
    dead: ownDead,
    retryMs,
    isWaiting,
    held: held.length,
    moved: groups.length,
  });
  if (status !== undefined) {
    const steps = own.map(({ step }) => step);
    draft.attempts.push(attemptOf(job, steps, report, { status, open: ownDead, code }));
  } else if (attemptNumber(job) > 1) draft.superseded.push(job.deliveryId);
}

/** Whether attempts are spent with this one. */
function isLast({ channel, retry }: JudgeContext, job: ClaimedJob): boolean {
  const most = channel.max_attempts ?? retry.maxAttempts;
  return retry.deadLetters && spentAttempts(job) >= most;
}

function isOpen({ kind }: StepOutcome): boolean {
  return kind === 'retry' || kind === 'observed';
}

function staysInJob(outcome: StepOutcome): boolean {
  const isRetry = outcome.kind === 'retry' && outcome.retryAfterMs === undefined;
  return isRetry && !isThrottled(outcome);
}

/** Whether the channel only wants us to be slower. */
function isThrottled(outcome: StepOutcome): boolean {
  return outcome.kind === 'retry' && outcome.isThrottled === true;
}

/** Whether a listing waits for somebody to approve of our figure. */
function isHeld({ channel }: JudgeContext, { step, outcome }: Judged): boolean {
  return outcome.kind === 'observed' && channel.drift_policy === 'hold' && isDrift(step, outcome);
}

/** A figure that we cannot explain by what we know. */
function isDrift(step: Step, { observed }: { readonly observed: number }): boolean {
  const expected = step.changes[0]?.previous ?? null;
  return expected !== null && expected !== observed && !step.explained.includes(observed);
}

/**
 * Listings that were not taken only because of others in the same call: they show what was thought.
 * Where nobody is to blame there are none, or a channel that contradicts itself would be asked for
 * ever.
 */
function bystandersOf(judged: readonly Judged[]): ReadonlySet<Judged> {
  const unsettled = judged.filter(({ outcome }) => outcome.kind !== 'settled');
  const innocent = unsettled.filter(({ step, outcome }) => {
    const expected = step.changes[0]?.previous ?? null;
    return outcome.kind === 'observed' && (expected === null || expected === outcome.observed);
  });
  return new Set(innocent.length < unsettled.length ? innocent : []);
}

/** Settles what is settled or dead. @param letter the delivery that the dead ones fall to */
function settleAll(
  draft: VerdictDraft,
  { job, judged, report }: JudgedJob,
  dead: ReadonlySet<Judged>,
  letter: string,
): void {
  for (const one of judged) {
    const isDead = dead.has(one);
    if (!isDead && one.outcome.kind !== 'settled') continue;
    draft.settled.push(settlementOf(one.step, report, isDead ? letter : null));
    // Given up: what comes later has another key.
    if (isDead && report.isStored && !draft.answered.includes(job.jobId)) {
      draft.answered.push(job.jobId);
    }
  }
}

/** Gives listings that are dead, of a job that goes on, a delivery of their own. */
function deadLetterOf(
  draft: VerdictDraft,
  { job, report }: JudgedJob,
  dead: readonly Judged[],
): string {
  const deliveryId = newId('dlv');
  // No job stands for it: it goes to no dead-letter queue.
  const first = { ...job, deliveryId, jobId: randomUUID(), attemptsBefore: 0, retryCount: 0 };
  const steps = dead.map(({ step }) => step);
  const code = codeOf(dead.map(({ outcome }) => outcome));
  const how = { status: 'dead', open: dead.length, code } as const;
  draft.attempts.push(attemptOf(first, steps, report, how));
  return deliveryId;
}

function settlementOf(step: Step, report: CallReport, deadDelivery: string | null): SettledListing {
  const { result } = report;
  const mayBeDone = !result.ok && !isRefused(report, result.failure);
  const sent = step.changes.at(-1)?.available ?? null;
  return {
    ...step.settlement,
    deadDelivery,
    toldAt: step.changes.length > 0 ? report.toldAt : null,
    unanswered: deadDelivery !== null && mayBeDone ? sent : null,
  };
}

function keepAccepted(
  { adapter, channel }: JudgeContext,
  draft: VerdictDraft,
  { job, readAt }: JudgedJob,
  accepted: readonly Judged[],
): void {
  const byOperation = Map.groupBy(accepted, ({ outcome }) =>
    outcome.kind === 'accepted' ? outcome.operation : '',
  );
  const address = adapter.address(channel.config);
  for (const [operation, group] of byOperation) {
    const steps = group.map(({ step }) => step);
    draft.accepted.push({ jobId: job.jobId, operation, steps, readAt, address });
  }
}

type Group = {
  readonly startAfterMs: number;
  /** Whether the call counts as one of their attempts. */
  readonly isAttempt: boolean;
  readonly judged: readonly Judged[];
};

/** Listings that leave a job, by when they are due; bystanders at once and by themselves. */
function groupsOf(
  { retry }: JudgeContext,
  job: ClaimedJob,
  leaving: readonly Judged[],
  bystanders: ReadonlySet<Judged>,
): readonly Group[] {
  const attempt = spentAttempts(job);
  const backoff = backoffMs(retry, attempt, Math.random());
  // Sent again at once, and from the second time on as any other failure: it must not spin.
  const again = attempt === 1 ? 0 : backoffMs(retry, attempt - 1, Math.random());
  const dueIn = ({ outcome }: Judged): number => {
    if (outcome.kind === 'observed') return again;
    const asked = outcome.kind === 'retry' ? (outcome.retryAfterMs ?? 0) : 0;
    return asked > backoff ? Math.ceil(asked / 1_000) * 1_000 : backoff;
  };
  const free = leaving.filter((one) => bystanders.has(one));
  const blamed = leaving.filter((one) => !bystanders.has(one));
  const groups = [true, false].flatMap((isAttempt) => {
    const some = blamed.filter(({ outcome }) => isThrottled(outcome) !== isAttempt);
    return [...Map.groupBy(some, dueIn)].map(([startAfterMs, judged]): Group => {
      return { startAfterMs, isAttempt, judged };
    });
  });
  return free.length === 0
    ? groups
    : [...groups, { startAfterMs: 0, isAttempt: false, judged: free }];
}

/** Gives listings to a job of their own. */
function moveGroup(
  draft: VerdictDraft,
  about: JudgedJob,
  group: Group & { readonly isSameDelivery: boolean },
): void {
  const { job, report } = about;
  const listings = group.judged.map(
    ({ step: { settlement } }) => [settlement.sku, settlement.storeId] as const,
  );
  const next = {
    ...newDeliveryJob(job, listings, randomUUID()),
    spent: spentAttempts(job) - (group.isAttempt ? 0 : 1),
    ...(group.isSameDelivery
      ? { deliveryId: job.deliveryId, attemptsBefore: attemptNumber(job) }
      : { attemptsBefore: 1 }),
  };
  draft.moved.push({ from: job, job: next, startAfterMs: group.startAfterMs });
  for (const one of group.judged) observe(draft, about, one, next.jobId);
  if (group.isSameDelivery) return;
  const steps = group.judged.map(({ step }) => step);
  const code = codeOf(group.judged.map(({ outcome }) => outcome));
  const first: ClaimedJob = { ...job, ...next, attemptsBefore: 0, retryCount: 0 };
  draft.attempts.push(attemptOf(first, steps, report, { status: 'retrying', open: 0, code }));
}

function observe(
  draft: VerdictDraft,
  { report: { toldAt } }: JudgedJob,
  { step, outcome }: Judged,
  nextJobId: string | null,
): void {
  if (outcome.kind !== 'observed') return;
  const { jobId, sku, storeId } = step.settlement;
  const { observed } = outcome;
  const expected = step.changes[0]?.previous ?? null;
  const driftId = isDrift(step, outcome) ? newId('drf') : null;
  draft.observed.push({ jobId, sku, storeId, expected, observed, toldAt, driftId, nextJobId });
}

/** When the job is due again, in ms. */
function retryDelay(retry: RetrySettings, job: ClaimedJob, { result }: CallReport): number {
  const asked = result.ok ? 0 : (result.failure.retryAfterMs ?? 0);
  return Math.max(backoffMs(retry, spentAttempts(job), Math.random()), asked);
}

function statusOf(
  judged: readonly Judged[],
  how: {
    readonly dead: number;
    readonly retryMs: number | undefined;
    readonly isWaiting: boolean;
    readonly held: number;
    readonly moved: number;
  },
): DeliveryStatus | undefined {
  if (how.dead > 0) return 'dead';
  if (how.isWaiting) return 'accepted';
  if (how.retryMs !== undefined || how.moved > 0) return 'retrying';
  if (how.held > 0) return 'held';
  if (judged.some(({ step }) => step.changes.length > 0)) return 'delivered';
  return judged.some(({ step }) => step.isEcho) ? 'suppressed' : undefined;
}

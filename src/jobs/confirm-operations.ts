import { backoffMs, confirm, type KnownOperation, type PublishResult } from '../channels/index.ts';
import { together } from '../db/index.ts';
import type { CallReport } from './attempts.ts';
import type { ClaimedJob } from './delivery-queue.ts';
import { judgeJob, type Judged } from './judge.ts';
import { noteFailure, tell, type CallsInput, type ReadClock } from './make-call.ts';
import { outcomesOfSteps, type StepOutcome } from './step-outcomes.ts';
import { emptyDraft } from './verdict.ts';

/** What was asked and came back for one operation. */
type Reply =
  /** No call could go out. */
  | { readonly kind: 'unasked' }
  | { readonly kind: 'open'; readonly waitMs: number }
  | { readonly kind: 'known'; readonly judged: readonly Judged[] };

/** An operation that the channel does not know any more, or never ends, is sent again. */
const lost: StepOutcome = { kind: 'retry', code: 'unconfirmed', retryAfterMs: 0 };

/**
 * Asks for the operations that a job waits for, and settles those that are known. One that is not
 * known after `acceptedMaxMs` is given up: the newest figures are sent again.
 * @returns the job, when nothing could be asked
 */
export async function confirmOperations(
  input: CallsInput,
  job: ClaimedJob,
  operations: readonly KnownOperation[],
  { readAt, askedAt, knownAt }: ReadClock,
): Promise<readonly ClaimedJob[]> {
  const from = performance.now();
  const replies = await together(operations.map((operation) => ask(input, operation)));
  if (replies.every(({ kind }) => kind === 'unasked')) return [job];
  const draft = emptyDraft();
  const judged: Judged[] = [];
  const waits: number[] = [];
  for (const [index, reply] of replies.entries()) {
    const operation = operations[index];
    if (operation === undefined) continue;
    if (reply.kind === 'known') {
      judged.push(...reply.judged);
      draft.confirmed.push(operation);
    } else {
      waits.push(reply.kind === 'open' ? reply.waitMs : input.gate.waitMs());
      if (reply.kind === 'open') draft.polled.push(operation);
    }
  }
  const pollMs = waits.length === 0 ? undefined : Math.min(...waits);
  if (judged.length === 0) draft.deferred.push({ job, ms: pollMs ?? 0, attempts: 0 });
  else {
    const report: CallReport = {
      messageId: null,
      startedAt: new Date(readAt.getTime() + from - askedAt),
      durationMs: performance.now() - from,
      result: { ok: true },
      isStored: false,
      isRepeated: false,
      toldAt: new Date(readAt.getTime() + performance.now() - knownAt),
    };
    const judging = { ...input, retry: input.context.retry };
    judgeJob(judging, draft, { job, judged, readAt, report, pollMs });
  }
  const verdict = { ...draft, readAt };
  await input.settle(verdict);
  tell(input, verdict);
  for (const { ms } of verdict.deferred) input.wakeIn(ms);
  for (const { startAfterMs } of verdict.moved) input.wakeIn(startAfterMs);
  return [];
}

async function ask(input: CallsInput, operation: KnownOperation): Promise<Reply> {
  const { context, adapter, channel, gate } = input;
  const { steps } = operation;
  if (operation.ageMs > context.acceptedMaxMs || adapter.confirm === undefined) {
    return { kind: 'known', judged: steps.map((step) => ({ step, outcome: lost })) };
  }
  const asking = { confirm: adapter.confirm.bind(adapter) };
  const changes = steps.flatMap((step) => step.changes);
  const options = {
    secretBox: context.secretBox,
    now: () => context.clock.now(),
    signal: gate.signal,
  };
  const answer = await gate.pass(input.isProbe, () =>
    confirm(asking, channel, operation.operation, changes, options),
  );
  if (answer === undefined || (answer.kind === 'failed' && gate.signal.aborted)) {
    return { kind: 'unasked' };
  }
  const backoff = backoffMs(context.retry, operation.polls + 1, 1);
  if (answer.kind === 'failed') {
    const waitMs = Math.max(backoff, answer.failure.retryAfterMs ?? 0);
    await noteFailure(input, answer.failure, waitMs);
    return { kind: 'open', waitMs };
  }
  gate.circuit.succeeded();
  if (answer.kind === 'pending') return { kind: 'open', waitMs: answer.retryAfterMs ?? backoff };
  const result: PublishResult = { ok: true, outcomes: answer.outcomes };
  const outcomes = outcomesOfSteps(steps, result, true);
  return {
    kind: 'known',
    judged: steps.map((step) => ({ step, outcome: outcomes.get(step) ?? { kind: 'settled' } })),
  };
}

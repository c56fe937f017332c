import type { AttemptRecord, DeliveryStatus, PublishResult, Step } from '../channels/index.ts';
import type { ClaimedJob } from './delivery-queue.ts';

/** How a call went. */
export type CallReport = {
  readonly messageId: string | null;
  /** By the database's clock, as the times of the changes are. */
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly result: PublishResult;
  /** The call is kept until it is answered. */
  readonly isStored: boolean;
  /** It was kept before, so it may have been made before. */
  readonly isRepeated: boolean;
  /** When the channel had answered, by the database's clock; null: it was not told anything. */
  readonly toldAt: Date | null;
};

/** What the column holds: a channel may have been paused for longer. */
const longestMs = 2_147_483_647;

/** The number of this attempt in its delivery's history, from 1. */
export function attemptNumber(job: ClaimedJob): number {
  return job.attemptsBefore + job.retryCount + 1;
}

/** How many attempts count against the limit, this one included. */
export function spentAttempts(job: ClaimedJob): number {
  return job.spent + job.retryCount + 1;
}

/** One attempt of a delivery, to be written down. */
export function attemptOf(
  job: ClaimedJob,
  steps: readonly Step[],
  report: CallReport,
  how: { readonly status: DeliveryStatus; readonly open: number; readonly code: string | null },
): AttemptRecord {
  const { status, open, code } = how;
  const isOwnWord = status === 'delivered' || status === 'suppressed' || status === 'accepted';
  const { result } = report;
  return {
    deliveryId: job.deliveryId,
    jobId: job.jobId,
    messageId: status === 'suppressed' ? null : report.messageId,
    status,
    listings: steps.filter(({ changes, isEcho }) => changes.length > 0 || isEcho).length,
    openListings: open,
    attempt: attemptNumber(job),
    startedAt: report.startedAt,
    outcome: isOwnWord ? status : 'failed',
    httpStatus: (result.ok ? result.httpStatus : result.failure.httpStatus) ?? null,
    errorCode: code,
    lagMs: status === 'delivered' ? lagOf(steps, report) : null,
    durationMs: Math.round(report.durationMs),
  };
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

import { z } from 'zod';
import type { ChangeOutcome, PublishFailure } from '../adapter.ts';
import { callAmazon, type AmazonAnswer, type Connection } from './call-amazon.ts';
import { isUnknown, issueWord } from './failures.ts';
import { acceptedPatch, unansweredPatch } from './operations.ts';
import { startPace } from './pace.ts';
import { quantityPatch, type Row, type RowsResult } from './quantity-patch.ts';
import { listingsPath, type AmazonContext } from './settings.ts';

const submissionSchema = z.object({
  status: z.enum(['ACCEPTED', 'INVALID', 'VALID']),
  issues: z.array(z.object({ code: z.string().optional(), severity: z.string() })).default([]),
});
type Submission = z.infer<typeof submissionSchema>;

/**
 * Changes listings one by one, no faster than Amazon allows. One whose answer is lost is sent again
 * at once, and when that is lost too it is looked for later, before anything newer is said of it.
 * After a failure of the channel's nothing more is sent: the listings that are left wait.
 */
export async function patchListings(
  connection: Connection,
  rows: readonly Row[],
  context: AmazonContext,
): Promise<RowsResult> {
  const since = context.now().getTime();
  const outcomes: ChangeOutcome[] = [];
  const pace = startPace();
  for (const [index, row] of rows.entries()) {
    await pace.turn(context.signal);
    const answer = await patch(connection, row, context);
    if (answer.ok) {
      pace.learn(answer.perSecond);
      outcomes.push(outcomeOf(answer.data, since));
      continue;
    }
    const { failure } = answer;
    if (failure.scope === 'request') {
      outcomes.push({ kind: 'refused', code: failure.code });
      continue;
    }
    if (index === 0) return { ok: false, failure };
    if (isUnknown(failure)) {
      outcomes.push({ kind: 'accepted', operation: unansweredPatch(since) });
    }
    const left = rows.length - outcomes.length;
    outcomes.push(...Array.from({ length: left }, () => waiting(failure)));
    break;
  }
  return { ok: true, outcomes, nextCallInMs: pace.refillMs() };
}

async function patch(
  connection: Connection,
  row: Row,
  context: AmazonContext,
): Promise<AmazonAnswer<Submission>> {
  if (context.signal.aborted) {
    return { ok: false, failure: { code: 'timeout', scope: 'channel', isNotDone: true } };
  }
  const request = {
    method: 'PATCH',
    path: listingsPath(context.config, row.ids.sku),
    query: { marketplaceIds: context.config.marketplaceIds.join(',') },
    body: quantityPatch(row),
    data: submissionSchema,
  } as const;
  const answer = await callAmazon(connection, context, request);
  if (answer.ok || !isUnknown(answer.failure) || context.signal.aborted) return answer;
  const again = await callAmazon(connection, context, request);
  // Of the first nobody knows.
  return again.ok ? again : { ok: false, failure: { ...again.failure, isNotDone: false } };
}

function outcomeOf({ status, issues }: Submission, since: number): ChangeOutcome {
  if (status === 'ACCEPTED') return { kind: 'accepted', operation: acceptedPatch(since) };
  if (status === 'VALID') return { kind: 'retry', code: 'only_validated' };
  const error = issues.find(({ severity }) => severity === 'ERROR');
  return { kind: 'refused', code: issueWord(error?.code) };
}

function waiting({ code, retryAfterMs }: PublishFailure): ChangeOutcome {
  return { kind: 'retry', code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

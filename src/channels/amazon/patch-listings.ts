import { z } from 'zod';
import type { ChangeOutcome, PublishContext, PublishFailure } from '../adapter.ts';
import { callAmazon, type AmazonAnswer, type Connection } from './call-amazon.ts';
import { isUnknown, issueWord } from './failures.ts';
import { sentPatches, type PatchKind } from './operations.ts';
import { quantityPatch, type Row, type RowsResult } from './quantity-patch.ts';
import {
  listingsPath,
  type AmazonConfig,
  type AmazonContext,
  type AmazonCredentials,
} from './settings.ts';

const submissionSchema = z.object({
  status: z.enum(['ACCEPTED', 'INVALID', 'VALID']),
  issues: z.array(z.object({ code: z.string().optional(), severity: z.string() })).default([]),
});
type Submission = z.infer<typeof submissionSchema>;
type Context = PublishContext<AmazonConfig, AmazonCredentials>;
/** What became of a row: an outcome, or how it has to be looked for. */
type Sent = ChangeOutcome | PatchKind;

/**
 * Changes listings one by one, each with one request. One whose answer is lost is not sent again:
 * Amazon applies changes later and in no promised order, so that the first could come after
 * something newer. It is looked for instead, before anything newer is said of it. After two
 * failures in a row, or where Amazon takes nothing more, the listings that are left wait.
 */
export async function patchListings(
  connection: Connection,
  rows: readonly Row[],
  context: Context,
): Promise<RowsResult> {
  const sent: Sent[] = [];
  let isAnySent = false;
  let failed: PublishFailure | undefined;
  for (const row of rows) {
    const answer = await patch(connection, row, context);
    if (answer.ok || answer.failure.scope === 'request') {
      sent.push(answer.ok ? sentOf(answer.data, context) : refusalOf(answer.failure));
      isAnySent = true;
      failed = undefined;
      continue;
    }
    const { failure } = answer;
    const isEnd =
      failed !== undefined || failure.isThrottled === true || failure.pause !== undefined;
    failed = failure;
    if (isUnknown(failure)) isAnySent = true;
    sent.push(isUnknown(failure) ? 'unanswered' : notSent(failure, context));
    if (isEnd) break;
  }
  if (!isAnySent && failed !== undefined) return { ok: false, failure: failed };
  for (const _ of rows.slice(sent.length)) {
    if (failed !== undefined) sent.push(notSent(failed, context));
  }
  const nextCallInMs = connection.quotas.of(context, 'patchListingsItem').refillMs();
  const since = context.now().getTime();
  const outcomes = sent.map((one): ChangeOutcome => {
    if (typeof one !== 'string') return one;
    return { kind: 'accepted', operation: sentPatches(one, since) };
  });
  return { ok: true, outcomes, nextCallInMs, ...(failed === undefined ? {} : { failure: failed }) };
}

function patch(
  connection: Connection,
  row: Row,
  context: AmazonContext,
): Promise<AmazonAnswer<Submission>> {
  return callAmazon(connection, context, {
    operation: 'patchListingsItem',
    method: 'PATCH',
    path: listingsPath(context.config, row.ids.sku),
    query: { marketplaceIds: context.config.marketplaceIds.join(',') },
    body: quantityPatch(row),
    data: submissionSchema,
  });
}

function sentOf({ status, issues }: Submission, { isRepeated }: Context): Sent {
  if (status === 'ACCEPTED') return isRepeated === true ? 'repeated' : 'patch';
  if (status === 'VALID') return { kind: 'retry', code: 'only_validated' };
  const error = issues.find(({ severity }) => severity === 'ERROR');
  return { kind: 'refused', code: issueWord(error?.code) };
}

function refusalOf({ code }: PublishFailure): ChangeOutcome {
  return { kind: 'refused', code };
}

/** What a repeated call does not send again, it may have sent before. */
function notSent(failure: PublishFailure, { isRepeated }: Context): Sent {
  if (isRepeated === true) return 'unanswered';
  const { code, retryAfterMs, isThrottled } = failure;
  return {
    kind: 'retry',
    code,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(isThrottled === true ? { isThrottled } : {}),
  };
}

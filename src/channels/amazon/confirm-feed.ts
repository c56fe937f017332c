import { z } from 'zod';
import type { Change, ChangeOutcome } from '../adapter.ts';
import { callAmazon, type Connection } from './call-amazon.ts';
import { sendAgain, type ConfirmResult } from './confirm-result.ts';
import { issueWord, isUnknownHere } from './failures.ts';
import { jsonOf } from './json.ts';
import { download } from './feed-documents.ts';
import { messageIdOf } from './message-id.ts';
import { idsOf, type AmazonContext } from './settings.ts';
import type { Waits } from './waits.ts';

const feedSchema = z.object({
  processingStatus: z.enum(['CANCELLED', 'DONE', 'FATAL', 'IN_PROGRESS', 'IN_QUEUE']),
  resultFeedDocumentId: z.string().optional(),
});
const documentSchema = z.object({
  url: z.string(),
  compressionAlgorithm: z.enum(['GZIP']).optional(),
});
const reportSchema = z.object({
  issues: z
    .array(
      z.object({
        messageId: z.int().optional(),
        severity: z.string(),
        code: z.string().optional(),
      }),
    )
    .default([]),
  summary: z.object({ messagesProcessed: z.int() }),
});
type Report = z.infer<typeof reportSchema>;

/**
 * Looks at a feed, and at its report when it is done. A message without an error counts as shown;
 * a feed that ended otherwise may have done anything, and its changes are made anew.
 */
export async function confirmFeed(
  connection: Connection,
  waits: Waits,
  feedId: string,
  changes: readonly Change[],
  context: AmazonContext,
): Promise<ConfirmResult> {
  const feed = await callAmazon(connection, context, {
    operation: 'getFeed',
    path: `/feeds/2021-06-30/feeds/${encodeURIComponent(feedId)}`,
    data: feedSchema,
  });
  if (!feed.ok) {
    const { failure } = feed;
    if (isUnknownHere(failure)) return sendAgain(changes, 'feed_unknown');
    return { kind: 'failed', failure };
  }
  const { processingStatus, resultFeedDocumentId } = feed.data;
  if (processingStatus === 'CANCELLED') return sendAgain(changes, 'feed_cancelled');
  if (processingStatus === 'FATAL') return sendAgain(changes, 'feed_fatal');
  if (processingStatus !== 'DONE') return { kind: 'pending', retryAfterMs: waits.feedMs };
  // Nobody says what became of its messages.
  if (resultFeedDocumentId === undefined) return sendAgain(changes, 'feed_unreported');
  const document = await callAmazon(connection, context, {
    operation: 'getFeedDocument',
    path: `/feeds/2021-06-30/documents/${encodeURIComponent(resultFeedDocumentId)}`,
    data: documentSchema,
  });
  if (!document.ok) return { kind: 'failed', failure: document.failure };
  const { url, compressionAlgorithm } = document.data;
  const isGzip = compressionAlgorithm === 'GZIP';
  const downloaded = await download(connection.client, context, { url, isGzip });
  if (!downloaded.ok) return { kind: 'failed', failure: downloaded.failure };
  const report = reportSchema.safeParse(jsonOf(downloaded.text));
  return report.success ? judgeReport(report.data, changes) : unreadable();
}

function unreadable(): ConfirmResult {
  return { kind: 'failed', failure: { code: 'invalid_response', scope: 'channel' } };
}

function judgeReport(report: Report, changes: readonly Change[]): ConfirmResult {
  const errors = report.issues.filter(({ severity }) => severity === 'ERROR');
  const isWhole = report.summary.messagesProcessed === 0;
  // Of the feed as such: nothing in it was read.
  if (isWhole || errors.some(({ messageId }) => messageId === undefined)) {
    return sendAgain(changes, 'feed_rejected');
  }
  const codes = new Map(errors.map(({ messageId, code }) => [messageId, code]));
  return {
    kind: 'done',
    outcomes: changes.map(({ externalIds }): ChangeOutcome => {
      const messageId = messageIdOf(idsOf(externalIds)?.sku ?? '');
      if (!codes.has(messageId)) return { kind: 'applied' };
      return { kind: 'refused', code: issueWord(codes.get(messageId)) };
    }),
  };
}

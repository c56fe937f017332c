import { z } from 'zod';
import type { ChangeOutcome, PublishFailure } from '../adapter.ts';
import { callAmazon, type Connection } from './call-amazon.ts';
import { upload } from './feed-documents.ts';
import { messageIdOf } from './message-id.ts';
import { submittedFeed } from './operations.ts';
import { quantityPatch, type Row, type RowsResult } from './quantity-patch.ts';
import type { AmazonContext } from './settings.ts';

const contentType = 'application/json; charset=UTF-8';

/**
 * Submits a feed: a document, its upload, and the feed itself. Until the last of these nothing was
 * done, whatever failed.
 */
export async function submitFeed(
  connection: Connection,
  rows: readonly Row[],
  context: AmazonContext,
): Promise<RowsResult> {
  const byMessage = new Map<number, Row>();
  for (const row of rows) {
    const messageId = messageIdOf(row.ids.sku);
    if (!byMessage.has(messageId)) byMessage.set(messageId, row);
  }
  const document = await callAmazon(connection, context, {
    method: 'POST',
    operation: 'createFeedDocument',
    path: '/feeds/2021-06-30/documents',
    body: { contentType },
    data: z.object({ feedDocumentId: z.string().min(1), url: z.string() }),
  });
  if (!document.ok) return { ok: false, failure: notDone(document.failure) };
  const { feedDocumentId, url } = document.data;
  const failed = await upload(connection.client, context, {
    url,
    contentType,
    body: JSON.stringify(feedOf(byMessage, context)),
  });
  if (failed !== undefined) return { ok: false, failure: notDone(failed) };
  const feed = await callAmazon(connection, context, {
    method: 'POST',
    operation: 'createFeed',
    path: '/feeds/2021-06-30/feeds',
    body: {
      feedType: 'JSON_LISTINGS_FEED',
      marketplaceIds: context.config.marketplaceIds,
      inputFeedDocumentId: feedDocumentId,
    },
    data: z.object({ feedId: z.string().min(1) }),
  });
  if (!feed.ok) return { ok: false, failure: feed.failure };
  const accepted: ChangeOutcome = {
    kind: 'accepted',
    operation: submittedFeed(feed.data.feedId),
  };
  // Its message would have had the number of another: it has one of its own in a smaller call.
  const later: ChangeOutcome = { kind: 'retry', code: 'same_message_id', retryAfterMs: 0 };
  const sent = new Set(byMessage.values());
  return { ok: true, outcomes: rows.map((row) => (sent.has(row) ? accepted : later)) };
}

function notDone(failure: PublishFailure): PublishFailure {
  return { ...failure, scope: 'channel', isNotDone: true };
}

function feedOf(rows: ReadonlyMap<number, Row>, { config }: AmazonContext): unknown {
  return {
    header: { sellerId: config.sellerId, version: '2.0', issueLocale: 'en_US' },
    messages: [...rows].map(([messageId, row]) => ({
      messageId,
      sku: row.ids.sku,
      operationType: 'PATCH',
      ...quantityPatch(row),
    })),
  };
}

import type { EmulatedAnswer, EmulatedRequest } from '../emulator.ts';
import type { AnswerOptions } from './answer.ts';
import { errorAnswer } from './errors.ts';
import { newDocument, newFeed, statusOf } from './feeds.ts';
import { takeCall, type PlannedOperation } from './quotas.ts';
import type { AccountState } from './state.ts';

const documentMs = 5 * 60_000;

/** The feeds API. */
export function answerFeeds(
  operation: PlannedOperation,
  request: EmulatedRequest,
  state: AccountState,
  options: AnswerOptions,
): EmulatedAnswer {
  const now = options.now();
  const id = decodeURIComponent(request.path.split('/').at(-1) ?? '');
  if (operation === 'createFeedDocument') {
    const { contentType } = JSON.parse(request.body) as { readonly contentType: string };
    const made = newDocument(state, contentType, now);
    return {
      status: 201,
      body: { feedDocumentId: made.id, url: urlOf(request, made.id, made.until) },
    };
  }
  if (operation === 'createFeed') return createFeed(request, state, options);
  if (operation === 'getFeed') {
    const feed = state.feeds[id];
    if (feed === undefined) return errorAnswer(404, 'NotFound');
    const { resultDocumentId } = feed;
    return {
      status: 200,
      body: {
        feedId: id,
        feedType: 'JSON_LISTINGS_FEED',
        marketplaceIds: feed.marketplaceIds,
        createdTime: new Date(feed.createdAt).toISOString(),
        processingStatus: statusOf(feed, now),
        ...(resultDocumentId === null ? {} : { resultFeedDocumentId: resultDocumentId }),
      },
    };
  }
  if (state.documents[id] === undefined) return errorAnswer(404, 'NotFound');
  const url = urlOf(request, id, now + documentMs);
  return { status: 200, body: { feedDocumentId: id, url, compressionAlgorithm: 'GZIP' } };
}

function urlOf({ headers }: EmulatedRequest, id: string, until: number): string {
  const host = headers['host'] ?? '';
  return `http://${host}/uploaded/${encodeURIComponent(id)}?X-Amz-Expires=${until}`;
}

function createFeed(
  { body }: EmulatedRequest,
  state: AccountState,
  options: AnswerOptions,
): EmulatedAnswer {
  const now = options.now();
  const asked = JSON.parse(body) as {
    readonly feedType: string;
    readonly marketplaceIds: readonly string[];
    readonly inputFeedDocumentId: string;
  };
  const { marketplaceIds, inputFeedDocumentId: inputDocumentId } = asked;
  const isTaken = Object.values(state.feeds).some((feed) => {
    return feed.inputDocumentId === inputDocumentId;
  });
  const isUploaded = typeof state.documents[inputDocumentId]?.content === 'string';
  const isOurs = marketplaceIds.every((id) => id === state.marketplaceId);
  // Feeds of text and XML are no more.
  const isLiving = asked.feedType === 'JSON_LISTINGS_FEED';
  if (isTaken || !isUploaded || !isOurs || !isLiving) return errorAnswer(400, 'InvalidInput');
  const quota = takeCall(state, 'jsonListingsFeed', now, options.speed);
  if (!quota.isLeft) {
    return errorAnswer(429, 'QuotaExceeded', { 'x-amzn-RateLimit-Limit': String(quota.rate) });
  }
  const feedId = newFeed(state, { inputDocumentId, marketplaceIds }, now, options);
  return { status: 202, body: { feedId } };
}

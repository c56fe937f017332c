import { z } from 'zod';
import type { HttpClient, OutgoingAnswer } from '../../outgoing-http.ts';
import { retryAfterMs } from '../../retry-after.ts';
import { failed, readItems, type ReadOptions, type SourceRead } from '../source.ts';
import type { FeedConfig, FeedCredentials } from './kind.ts';

type FeedRequest = {
  readonly config: FeedConfig;
  readonly credentials: FeedCredentials;
  readonly watermark: string | null;
  readonly snapshot: boolean;
};

/** The watermark of a feed: its cursor, and the tag of the answer that ended a read there. */
type Mark = { readonly cursor: string | null; readonly etag?: string | undefined };

const page = z.object({
  items: z.array(z.unknown()).max(100_000),
  nextCursor: z.union([z.string().max(8_192), z.int().transform(String)]).nullish(),
  hasMore: z.boolean().optional(),
  snapshot: z.boolean().optional(),
});

/**
 * Reads one page of a feed. 304 is an empty page, and no answer to who asks for everything; 410 is
 * an expired cursor; 429 and 503 fail with the wait that they ask for. An answer that is no page
 * fails: it says nothing about stock.
 */
export async function readFeed(
  client: HttpClient,
  request: FeedRequest,
  { limit, signal }: ReadOptions,
): Promise<SourceRead> {
  const { config, credentials, snapshot } = request;
  const mark = markOf(request.watermark);
  const url = new URL(config.url);
  if (mark.cursor !== null) url.searchParams.set('cursor', mark.cursor);
  url.searchParams.set('limit', String(limit));
  if (snapshot) url.searchParams.set('snapshot', 'true');
  const answer = await client.request({
    method: 'GET',
    url: url.href,
    headers: {
      accept: 'application/json',
      'user-agent': 'onhand',
      ...config.headers,
      ...(credentials === undefined ? {} : { authorization: `Bearer ${credentials.bearer}` }),
      ...(mark.etag === undefined ? {} : { 'if-none-match': mark.etag }),
    },
    signal,
  });
  if (!answer.ok) return failed(answer.code);
  if (answer.status === 304) {
    return snapshot ? failed('invalid_response') : emptyPage(request.watermark);
  }
  if (answer.status === 410) return { kind: 'expired' };
  if (answer.status !== 200) return failedAnswer(answer);
  return readAnswer(answer, mark, snapshot);
}

function readAnswer(answer: OutgoingAnswer, before: Mark, asked: boolean): SourceRead {
  let body: unknown;
  try {
    body = JSON.parse(answer.text);
  } catch {
    return failed('invalid_response');
  }
  const parsed = page.safeParse(body);
  if (!parsed.success) return failed('invalid_response');
  const { items, nextCursor, hasMore = false, snapshot = false } = parsed.data;
  // Behind the last page of everything changes are read: the cursor of a page is no place there.
  const isLast = asked && !hasMore;
  const cursor = nextCursor ?? (isLast ? null : before.cursor);
  if (hasMore && cursor === null) return failed('invalid_response');
  // Without an item it ends a full read only when it says all that the last page of one says.
  const isEmptyEnd = isLast && before.cursor !== null && items.length === 0;
  if (isEmptyEnd && (cursor === null || parsed.data.hasMore === undefined)) {
    return failed('invalid_response');
  }
  // A tag belongs to its URL: it is of use only where the next read asks for the same one.
  const isEnd = !hasMore && cursor === before.cursor && !asked;
  return {
    kind: 'page',
    page: {
      ...readItems(items),
      nextWatermark: textOf({ cursor, etag: isEnd ? answer.headers['etag'] : undefined }),
      hasMore,
      isSnapshot: snapshot,
    },
  };
}

function failedAnswer({ status, headers }: OutgoingAnswer): SourceRead {
  const isAsking = status === 429 || status === 503;
  const wait = isAsking ? retryAfterMs(headers['retry-after'], new Date()) : undefined;
  return failed(`http_${status}`, wait);
}

function emptyPage(watermark: string | null): SourceRead {
  const nothing = { items: [], unreadable: [], hasMore: false, isSnapshot: false };
  return { kind: 'page', page: { ...nothing, nextWatermark: watermark } };
}

function textOf({ cursor, etag }: Mark): string {
  return JSON.stringify(etag === undefined ? { cursor } : { cursor, etag });
}

function markOf(watermark: string | null): Mark {
  return watermark === null ? { cursor: null } : (JSON.parse(watermark) as Mark);
}

import type { AccountState, EmulatedFeed } from './state.ts';
import { issueOf, submit, type Patch } from './submissions.ts';

const documentMs = 5 * 60_000;
const mostMessages = 25_000;

export type FeedTimes = {
  /** From its creation to its processing at the earliest; one feed is processed at a time. */
  readonly feedQueueMs: number;
  readonly feedProcessMs: number;
};

export function newDocument(
  state: AccountState,
  contentType: string,
  now: number,
): { readonly id: string; readonly until: number } {
  const id = `amzn1.tortuga.4.na.${Object.keys(state.documents).length + 1}`;
  const until = now + documentMs;
  state.documents[id] = { contentType, until, content: null, isReport: false };
  return { id, until };
}

export function newFeed(
  state: AccountState,
  about: Pick<EmulatedFeed, 'inputDocumentId' | 'marketplaceIds'>,
  now: number,
  { feedQueueMs, feedProcessMs }: FeedTimes,
): string {
  const feeds = Object.values(state.feeds);
  const feedId = String(50_000 + feeds.length + 1);
  const startAt = Math.max(now + feedQueueMs, ...feeds.map(({ endAt }) => endAt));
  state.feeds[feedId] = {
    ...about,
    feedId,
    createdAt: now,
    startAt,
    endAt: startAt + feedProcessMs,
    end: state.nextEnds.shift() ?? 'DONE',
    resultDocumentId: null,
  };
  return feedId;
}

/** Works the feeds whose time has come: their messages are submitted, and a report is written. */
export function workFeeds(state: AccountState, now: number): void {
  for (const feed of Object.values(state.feeds)) {
    if (feed.endAt > now || feed.resultDocumentId !== null || feed.end !== 'DONE') continue;
    const report = workFeed(state, feed);
    const id = `${feed.inputDocumentId}.report`;
    const content = JSON.stringify(report);
    const contentType = 'application/json';
    // Each look at it makes a URL of its own.
    const until = Number.MAX_SAFE_INTEGER;
    state.documents[id] = { contentType, until, content, isReport: true };
    feed.resultDocumentId = id;
  }
}

type Message = {
  readonly messageId?: unknown;
  readonly sku?: unknown;
  readonly operationType?: unknown;
  readonly productType?: unknown;
  readonly patches?: unknown;
};
type FeedIssue = {
  readonly messageId?: number;
  readonly sku?: string;
  readonly code: string;
  readonly severity: 'ERROR';
  readonly message: string;
};

function workFeed(state: AccountState, feed: EmulatedFeed): unknown {
  const { sellerId } = state;
  const messages = messagesOf(state, feed);
  const issues: FeedIssue[] = [];
  const seen = new Set<number>();
  if (messages === undefined) issues.push({ code: '4000000', severity: 'ERROR', message: 'feed' });
  for (const { messageId, sku, operationType, productType, patches } of messages ?? []) {
    const isPatch = operationType === 'PATCH' && typeof productType === 'string';
    const isNamed = typeof messageId === 'number' && messageId >= 1 && !seen.has(messageId);
    const about = {
      ...(typeof messageId === 'number' ? { messageId } : {}),
      ...(typeof sku === 'string' ? { sku } : {}),
    };
    if (!isPatch || !isNamed || typeof sku !== 'string' || !Array.isArray(patches)) {
      issues.push({ ...about, code: '4000001', severity: 'ERROR', message: 'message' });
      continue;
    }
    seen.add(messageId);
    const issue = issueOf(state.listings[sku], patches as readonly Patch[]);
    if (issue !== undefined) {
      issues.push({ ...about, code: issue.code, severity: 'ERROR', message: issue.message });
    } else {
      submit(state, patches as readonly Patch[], { by: 'feed', sku, dueAt: feed.endAt });
    }
  }
  const messagesProcessed = messages?.length ?? 0;
  return {
    header: { sellerId, version: '2.0', feedId: feed.feedId },
    issues,
    summary: {
      errors: issues.length,
      warnings: 0,
      messagesProcessed,
      messagesAccepted: Math.max(messagesProcessed - issues.length, 0),
      messagesInvalid: issues.length,
    },
  };
}

/** Undefined: the document is no feed. */
function messagesOf(state: AccountState, feed: EmulatedFeed): readonly Message[] | undefined {
  const text = state.documents[feed.inputDocumentId]?.content ?? '';
  try {
    const { header, messages } = JSON.parse(text) as {
      readonly header?: { readonly sellerId?: unknown; readonly version?: unknown };
      readonly messages?: unknown;
    };
    const isOurs = header?.sellerId === state.sellerId && header.version === '2.0';
    if (!isOurs || !Array.isArray(messages) || messages.length > mostMessages) return undefined;
    return messages as readonly Message[];
  } catch {
    return undefined;
  }
}

/** How a feed stands. */
export function statusOf(feed: EmulatedFeed, now: number): string {
  if (feed.end === 'CANCELLED') return 'CANCELLED';
  if (now < feed.startAt) return 'IN_QUEUE';
  return now < feed.endAt ? 'IN_PROGRESS' : feed.end;
}

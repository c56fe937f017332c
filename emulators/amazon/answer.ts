import { gzipSync } from 'node:zlib';
import type { EmulatedAnswer, EmulatedRequest } from '../emulator.ts';
import { errorAnswer } from './errors.ts';
import { answerFeeds } from './answer-feeds.ts';
import { answerListings } from './answer-listings.ts';
import { workFeeds, type FeedTimes } from './feeds.ts';
import { takeCall, type PlannedOperation } from './quotas.ts';
import type { Checker } from './specification.ts';
import type { AccountState } from './state.ts';
import { applySubmissions } from './submissions.ts';
import { grantToken, isGoodToken } from './tokens.ts';

export type AnswerOptions = FeedTimes & {
  readonly now: () => number;
  readonly check: Checker;
  /** How long a token holds. */
  readonly tokenSeconds: number;
  /** From an accepted patch to what is shown. */
  readonly patchMs: number;
  /** Quotas are so many times Amazon's. */
  readonly speed: number;
};

/** What has come to pass at Amazon by itself. */
export function advance(state: AccountState, now: number): void {
  workFeeds(state, now);
  applySubmissions(state, now);
}

const operations: readonly (readonly [string, RegExp, PlannedOperation])[] = [
  ['PATCH', /^\/listings\/2021-08-01\/items\/[^/]+\/[^/]+$/, 'patchListingsItem'],
  ['GET', /^\/listings\/2021-08-01\/items\/[^/]+\/[^/]+$/, 'getListingsItem'],
  ['GET', /^\/listings\/2021-08-01\/items\/[^/]+$/, 'searchListingsItems'],
  ['POST', /^\/feeds\/2021-06-30\/documents$/, 'createFeedDocument'],
  ['POST', /^\/feeds\/2021-06-30\/feeds$/, 'createFeed'],
  ['GET', /^\/feeds\/2021-06-30\/feeds\/[^/]+$/, 'getFeed'],
  ['GET', /^\/feeds\/2021-06-30\/documents\/[^/]+$/, 'getFeedDocument'],
];

/** Answers as Amazon does: its API, Login with Amazon, and the place where documents lie. */
export function answer(
  request: EmulatedRequest,
  state: AccountState,
  options: AnswerOptions,
): EmulatedAnswer {
  const { method, path, headers } = request;
  const { check, speed, tokenSeconds } = options;
  const now = options.now();
  advance(state, now);
  if (method === 'POST' && path === '/auth/o2/token') {
    return grantToken(request, state, now, tokenSeconds);
  }
  if (path.startsWith('/uploaded/')) return document(request, state, now);
  const operation = operations.find(([verb, form]) => verb === method && form.test(path))?.[2];
  if (operation === undefined) return errorAnswer(404, 'NotFound');
  if (!state.isAllowed || !isGoodToken(state, headers['x-amz-access-token'], now)) {
    return errorAnswer(403, 'Unauthorized');
  }
  const quota = takeCall(state, operation, now, speed);
  const limit = { 'x-amzn-RateLimit-Limit': String(quota.rate) };
  if (!quota.isLeft) return errorAnswer(429, 'QuotaExceeded', limit);
  const problems = check.request(request);
  if (problems.length > 0) {
    state.invalid.push(`${method} ${path}: ${problems.join('; ')}`);
    return errorAnswer(400, 'InvalidInput', limit);
  }
  const isFeeds = path.startsWith('/feeds/');
  const made = isFeeds
    ? answerFeeds(operation, request, state, options)
    : answerListings(operation, request, state, options);
  const wrong = check.answer(request, made);
  if (wrong.length > 0) state.invalidAnswers.push(`${operation}: ${wrong.join('; ')}`);
  return { ...made, headers: { ...limit, ...made.headers } };
}

/** Documents are for those who have their URL: a token is none of its business. */
function document(
  { method, path, headers, body, query }: EmulatedRequest,
  state: AccountState,
  now: number,
): EmulatedAnswer {
  const found = state.documents[decodeURIComponent(path.slice('/uploaded/'.length))];
  if (headers['x-amz-access-token'] !== undefined) state.leaks += 1;
  const isSigned = Number(query.get('X-Amz-Expires')) > now;
  if (found === undefined || !isSigned) return { status: 403, body: '<Error/>' };
  if (method === 'GET' && found.isReport) {
    return { status: 200, body: gzipSync(found.content ?? '') };
  }
  const isRight = headers['content-type'] === found.contentType;
  if (method !== 'PUT' || found.isReport || !isRight) return { status: 403, body: '<Error/>' };
  found.content = body;
  return { status: 200, body: '' };
}

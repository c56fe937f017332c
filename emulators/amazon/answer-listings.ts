import { randomUUID } from 'node:crypto';
import type { EmulatedAnswer, EmulatedRequest } from '../emulator.ts';
import type { AnswerOptions } from './answer.ts';
import { errorAnswer } from './errors.ts';
import type { PlannedOperation } from './quotas.ts';
import type { AccountState, EmulatedListing } from './state.ts';
import { issueOf, submit, type Patch } from './submissions.ts';

/** Amazon pages no farther. */
const mostFound = 1_000;

/** The listings API. */
export function answerListings(
  operation: PlannedOperation,
  request: EmulatedRequest,
  state: AccountState,
  { now, patchMs }: AnswerOptions,
): EmulatedAnswer {
  const { path, query, body } = request;
  const [sellerId = '', sku = ''] = path.split('/').slice(4).map(decodeURIComponent);
  if (sellerId !== state.sellerId) return errorAnswer(403, 'Unauthorized');
  if (query.get('marketplaceIds') !== state.marketplaceId) return errorAnswer(400, 'InvalidInput');
  if (operation === 'searchListingsItems') return search(query, state);
  const listing = state.listings[sku];
  if (listing === undefined) return errorAnswer(404, 'NOT_FOUND');
  if (operation === 'getListingsItem') return { status: 200, body: itemOf(listing, query, state) };
  const { patches } = JSON.parse(body) as { readonly patches: readonly Patch[] };
  const issue = issueOf(listing, patches);
  const status = issue === undefined ? 'ACCEPTED' : 'INVALID';
  if (issue === undefined) {
    const dueAt = now() + (state.nextPatchMs.shift() ?? patchMs);
    submit(state, patches, { by: 'patch', sku, dueAt });
  }
  const issues = issue === undefined ? [] : [issue];
  return { status: 200, body: { sku, status, submissionId: randomUUID(), issues } };
}

function search(query: URLSearchParams, state: AccountState): EmulatedAnswer {
  const names = query.get('identifiers')?.split(',');
  if (names !== undefined && names.length > 20) return errorAnswer(400, 'InvalidInput');
  const after = Date.parse(query.get('createdAfter') ?? '1970-01-01T00:00:00Z');
  const wanted = names === undefined ? undefined : new Set(names);
  const found = Object.values(state.listings)
    .filter(({ sku }) => wanted === undefined || wanted.has(sku))
    .filter(({ createdDate }) => Date.parse(createdDate) >= after)
    .toSorted((a, b) => a.createdDate.localeCompare(b.createdDate));
  const from = Number(query.get('pageToken') ?? '0');
  const to = from + Number(query.get('pageSize') ?? '10');
  const next = to < Math.min(found.length, mostFound) ? { nextToken: String(to) } : {};
  const items = found.slice(from, Math.min(to, mostFound));
  return {
    status: 200,
    body: {
      numberOfResults: found.length,
      pagination: next,
      items: items.map((listing) => itemOf(listing, query, state)),
    },
  };
}

function itemOf(
  { sku, title, productType, createdDate, availability }: EmulatedListing,
  query: URLSearchParams,
  { marketplaceId }: AccountState,
): unknown {
  const included = (query.get('includedData') ?? 'summaries').split(',');
  const summary = {
    marketplaceId,
    asin: 'B000000000',
    productType,
    conditionType: 'new_new',
    status: ['BUYABLE'],
    itemName: title,
    createdDate,
    lastUpdatedDate: createdDate,
  };
  const fulfillmentAvailability = availability.map((one) => ({
    fulfillmentChannelCode: one.fulfillment_channel_code,
    ...(one.quantity === undefined ? {} : { quantity: one.quantity }),
  }));
  return {
    sku,
    ...(included.includes('summaries') ? { summaries: [summary] } : {}),
    ...(included.includes('fulfillmentAvailability') ? { fulfillmentAvailability } : {}),
  };
}

import type { EmulatedAnswer, EmulatedRequest } from '../emulator.ts';
import { bulkUpdate } from './bulk-update.ts';
import { errorAnswer } from './errors.ts';
import { grantToken } from './grant-token.ts';
import { offerBody, offerCall } from './offer-calls.ts';
import type { AccountState } from './state.ts';

const api = '/sell/inventory/v1';

/**
 * What `offset` counts in lists: pages, as eBay documents it, with the next page's address in the
 * answer; or records, without one, as others that speak its language do.
 */
export type Paging = 'pages' | 'records';

/** Answers as eBay's Inventory API does. */
export function answer(
  request: EmulatedRequest,
  state: AccountState,
  now: number,
  paging: Paging,
): EmulatedAnswer {
  const { method, path, headers } = request;
  if (`${method} ${path}` === 'POST /identity/v1/oauth2/token') {
    return grantToken(request, state, now);
  }
  const token = /^Bearer (.+)$/.exec(headers['authorization'] ?? '')?.[1] ?? '';
  if (now >= (state.tokens[token] ?? 0)) return errorAnswer(401, 1_001);
  if (!path.startsWith(`${api}/`)) return { status: 404 };
  const isSpoken = [headers['accept-language'], headers['content-language']].every((language) =>
    /^[a-z]{2}-[A-Z]{2}$/.test(language ?? ''),
  );
  if (!isSpoken) {
    state.invalid.push(`${method} ${path} in no language`);
    return errorAnswer(400, 25_709);
  }
  const inner = { ...request, path: path.slice(api.length) };
  switch (`${method} ${inner.path}`) {
    case 'POST /bulk_update_price_quantity':
      return bulkUpdate(request.body, state, now);
    case 'GET /inventory_item':
      return items(request.query, state, paging);
    case 'GET /offer':
      return offersOf(request.query.get('sku') ?? '', state);
    default:
      return offerCall(inner, state, now) ?? { status: 404 };
  }
}

function items(query: URLSearchParams, state: AccountState, paging: Paging): EmulatedAnswer {
  const limit = Number(query.get('limit') ?? '25');
  const offset = Number(query.get('offset') ?? '0');
  if (!(limit >= 1 && limit <= 200) || !(offset >= 0)) return errorAnswer(400, 25_002);
  const all = Object.entries(state.titles);
  const from = paging === 'pages' ? offset * limit : offset;
  const inventoryItems = all.slice(from, from + limit).map(([sku, title]) => {
    return { sku, condition: 'NEW', product: { title } };
  });
  const total = all.length;
  const size = paging === 'pages' ? Math.ceil(total / limit) : inventoryItems.length;
  const isLast = paging === 'records' || from + limit >= total;
  const next = `${api}/inventory_item?limit=${limit}&offset=${offset + 1}`;
  return {
    status: 200,
    body: { inventoryItems, limit, size, total, ...(isLast ? {} : { next }) },
  };
}

function offersOf(sku: string, state: AccountState): EmulatedAnswer {
  const offers = Object.values(state.offers).filter((offer) => offer.sku === sku);
  if (offers.length === 0) return errorAnswer(404, 25_713);
  return { status: 200, body: { offers: offers.map(offerBody), total: offers.length } };
}

import type { EmulatedAnswer, EmulatedRequest } from '../emulator.ts';
import { changeInventory, countBody } from './change-inventory.ts';
import { errorAnswer } from './errors.ts';
import type { Checker } from './specification.ts';
import { quantityOf, type SellerState } from './state.ts';

export type AnswerOptions = {
  readonly now: () => number;
  readonly check: Checker;
  /** Items, and counts, on a page. */
  readonly pageSize: number;
};

/** Answers as Square's API does. */
export function answer(
  request: EmulatedRequest,
  state: SellerState,
  { now, check, pageSize }: AnswerOptions,
): EmulatedAnswer {
  const { method, path, headers, body } = request;
  if (headers['authorization'] !== `Bearer ${state.accessToken}`) {
    return errorAnswer(401, 'UNAUTHORIZED', { category: 'AUTHENTICATION_ERROR' });
  }
  const problems = check(request);
  if (problems.length > 0) {
    state.invalid.push(`${method} ${path}: ${problems.join('; ')}`);
    return errorAnswer(400, 'BAD_REQUEST');
  }
  const order = /^\/v2\/orders\/([^/]+)$/.exec(path)?.[1];
  if (order !== undefined && method === 'GET') {
    const found = state.orders[decodeURIComponent(order)];
    return found === undefined
      ? errorAnswer(404, 'NOT_FOUND')
      : { status: 200, body: { order: found } };
  }
  switch (`${method} ${path}`) {
    case 'POST /v2/inventory/changes/batch-create':
      return allowed(state, 'INVENTORY_WRITE') ?? changeInventory(body, state, now());
    case 'POST /v2/inventory/counts/batch-retrieve':
      return allowed(state, 'INVENTORY_READ') ?? counts(body, state, now(), pageSize);
    case 'GET /v2/catalog/list':
      return allowed(state, 'ITEMS_READ') ?? catalog(request.query, state, pageSize);
    case 'GET /v2/locations':
      return { status: 200, body: { locations: state.locations } };
    case 'POST /oauth2/token/status':
      return { status: 200, body: { scopes: state.scopes, merchant_id: state.merchantId } };
    default:
      return errorAnswer(404, 'NOT_FOUND');
  }
}

function allowed({ scopes }: SellerState, scope: string): EmulatedAnswer | undefined {
  if (scopes.includes(scope)) return undefined;
  return errorAnswer(403, 'INSUFFICIENT_SCOPES', { category: 'AUTHENTICATION_ERROR' });
}

type CountsBody = {
  readonly catalog_object_ids?: readonly string[];
  readonly location_ids?: readonly string[];
  readonly cursor?: string;
  readonly limit?: number;
};

function counts(text: string, state: SellerState, now: number, pageSize: number): EmulatedAnswer {
  const body = JSON.parse(text) as CountsBody;
  const named = body.catalog_object_ids ?? Object.keys(state.variations);
  const ids = named.filter((id) => state.variations[id]?.isEstimated !== true);
  const places = body.location_ids ?? state.locations.map(({ id }) => id);
  const all = ids.flatMap((id) =>
    places
      .filter((place) => quantityOf(state, id, place) !== undefined)
      .map((place) => countBody({ catalog_object_id: id, location_id: place }, state, now)),
  );
  const page = pageOf(all, body.cursor, Math.min(body.limit ?? 100, pageSize));
  return { status: 200, body: { counts: page.items, ...page.next } };
}

function catalog(query: URLSearchParams, state: SellerState, pageSize: number): EmulatedAnswer {
  const all = Object.values(state.variations).map(({ id, sku, name }) => ({
    type: 'ITEM',
    id: `I-${id}`,
    is_deleted: false,
    present_at_all_locations: true,
    item_data: {
      name,
      variations: [
        {
          type: 'ITEM_VARIATION',
          id,
          present_at_all_locations: true,
          item_variation_data: { item_id: `I-${id}`, name: 'Regular', sku },
        },
      ],
    },
  }));
  const page = pageOf(all, query.get('cursor') ?? undefined, pageSize);
  return { status: 200, body: { objects: page.items, ...page.next } };
}

function pageOf<Item>(
  all: readonly Item[],
  cursor: string | undefined,
  size: number,
): { readonly items: readonly Item[]; readonly next: { readonly cursor?: string } } {
  const from = Number(cursor ?? '0');
  const to = from + size;
  const next = to < all.length ? { cursor: String(to) } : {};
  return { items: all.slice(from, to), next };
}

import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { DiscoveredItem, DiscoverResult } from '../adapter.ts';
import { callStore } from './call-store.ts';
import { quantityOf, stockFields } from './read-stock.ts';
import type { WooContext } from './settings.ts';

const perPage = 100;

const itemSchema = z.object({
  ...stockFields,
  name: z.string().nullish(),
  /** `variable`: what is sold are its variations. */
  type: z.string().optional(),
});
type Item = z.infer<typeof itemSchema>;

/** Which page of products comes next, and whose variations come before it. */
const cursorSchema = z.strictObject({
  page: z.int().min(1),
  parents: z.array(z.strictObject({ id: z.int(), name: z.string().nullable() })).max(perPage),
  variationPage: z.int().min(1),
  isLast: z.boolean(),
});
type Place = z.infer<typeof cursorSchema>;

const first: Place = { page: 1, parents: [], variationPage: 1, isLast: false };

/**
 * Lists products, and after each page of them the variations of those that have some: one request
 * a page. A product with variations is listed too, as its stock may be counted for all of them. Its
 * own failure: `cursor_invalid`.
 */
export async function discover(
  client: HttpClient,
  cursor: string | null,
  context: WooContext,
): Promise<DiscoverResult> {
  const place = cursor === null ? first : readCursor(cursor);
  if (place === undefined) {
    return { ok: false, failure: { code: 'cursor_invalid', scope: 'request', isNotDone: true } };
  }
  const [parent, ...others] = place.parents;
  const page = parent === undefined ? place.page : place.variationPage;
  const answer = await callStore(client, context, {
    path: parent === undefined ? 'products' : `products/${parent.id}/variations`,
    query: {
      page: String(page),
      per_page: String(perPage),
      orderby: 'id',
      order: 'asc',
      _fields: Object.keys(itemSchema.shape).join(','),
    },
    data: z.array(itemSchema),
  });
  if (!answer.ok) return { ok: false, failure: answer.failure };
  const { data, headers } = answer;
  const hasNext = hasNextPage(data.length, page, headers['x-wp-totalpages']);
  if (parent === undefined) {
    const variable = data.filter(({ type }) => type?.startsWith('variable') === true);
    const next = {
      page: place.page + 1,
      parents: variable.map(({ id, name }) => ({ id, name: name ?? null })),
      variationPage: 1,
      isLast: !hasNext,
    };
    return { ok: true, items: data.map((item) => productOf(item)), nextCursor: writeCursor(next) };
  }
  const next = hasNext
    ? { ...place, variationPage: place.variationPage + 1 }
    : { ...place, parents: others, variationPage: 1 };
  const items = data.map((item) => variationOf(item, parent));
  return { ok: true, items, nextCursor: writeCursor(next) };
}

/** Proxies may take the header away: then there is more as long as pages are full. */
function hasNextPage(found: number, page: number, pages: string | undefined): boolean {
  return /^\d+$/.test(pages ?? '') ? page < Number(pages) : found >= perPage;
}

function productOf(item: Item): DiscoveredItem {
  return { ...figuresOf(item), externalIds: { productId: item.id }, title: item.name ?? null };
}

function variationOf(
  item: Item,
  { id: productId, name }: { readonly id: number; readonly name: string | null },
): DiscoveredItem {
  const title = [name, item.name].filter((part) => part).join(' ');
  const externalIds = { productId, variationId: item.id };
  return { ...figuresOf(item), externalIds, title: title === '' ? null : title };
}

function figuresOf(item: Item): Pick<DiscoveredItem, 'sku' | 'quantity'> {
  return { sku: item.sku ? item.sku : null, quantity: quantityOf(item) };
}

function writeCursor(place: Place): string | null {
  return place.isLast && place.parents.length === 0 ? null : JSON.stringify(place);
}

function readCursor(cursor: string): Place | undefined {
  try {
    return cursorSchema.safeParse(JSON.parse(cursor)).data;
  } catch {
    return undefined;
  }
}

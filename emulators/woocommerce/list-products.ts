import type { EmulatedAnswer } from '../emulator.ts';
import { bodyOf, errorAnswer } from './product-body.ts';
import type { StoreState } from './state.ts';

/** A page of products, or of one product's variations: 10 unless asked for more, at most 100. */
export function listProducts(
  query: URLSearchParams,
  parentId: number,
  state: StoreState,
): EmulatedAnswer {
  const perPage = Number(query.get('per_page') ?? '10');
  const page = Number(query.get('page') ?? '1');
  if (!(perPage >= 1 && perPage <= 100) || !(page >= 1)) {
    return errorAnswer(400, 'rest_invalid_param', 'Invalid parameter(s): per_page');
  }
  if (parentId !== 0 && state.products[String(parentId)]?.type !== 'variable') {
    return errorAnswer(404, 'woocommerce_rest_product_invalid_id', 'Invalid ID.');
  }
  const included = query.get('include')?.split(',');
  const all = Object.values(state.products).filter(
    (product) => product.parentId === parentId && (included?.includes(String(product.id)) ?? true),
  );
  const ascending = query.get('order') === 'asc';
  const sorted = all.toSorted((a, b) => (ascending ? a.id - b.id : b.id - a.id));
  const fields = query.get('_fields')?.split(',');
  const body = sorted.slice((page - 1) * perPage, page * perPage).map((product) => {
    const whole = Object.entries(bodyOf(product, state));
    return Object.fromEntries(whole.filter(([name]) => fields?.includes(name) ?? true));
  });
  const headers = {
    'x-wp-total': String(all.length),
    'x-wp-totalpages': String(Math.ceil(all.length / perPage)),
  };
  return { status: 200, body, ...(state.tellsTotals ? { headers } : {}) };
}

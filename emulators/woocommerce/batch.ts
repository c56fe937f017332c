import type { EmulatedAnswer } from '../emulator.ts';
import { bodyOf, errorAnswer } from './product-body.ts';
import { writeStock, type EmulatedProduct, type StoreState } from './state.ts';

type Item = {
  readonly id?: unknown;
  readonly manage_stock?: unknown;
  readonly stock_quantity?: unknown;
  readonly inventory_delta?: unknown;
};

/**
 * `products/batch`, or that of one product's variations: item by item, each with its result, and
 * 200 whatever those are.
 * @param parentId 0: of products
 */
export function batch(text: string, parentId: number, state: StoreState): EmulatedAnswer {
  const body = parse(text);
  if (body === undefined) return errorAnswer(400, 'rest_invalid_json', 'Invalid JSON body passed.');
  const lists = ['create', 'update', 'delete'].map((name) => {
    const list = body[name];
    return Array.isArray(list) ? (list as readonly Item[]) : [];
  });
  const count = lists.reduce((sum, list) => sum + list.length, 0);
  if (count > state.batchLimit) {
    return errorAnswer(
      413,
      'woocommerce_rest_request_entity_too_large',
      `Unable to accept more than ${state.batchLimit} items for this request.`,
    );
  }
  const [create = [], update = [], remove = []] = lists;
  if (create.length + remove.length > 0) {
    return errorAnswer(501, 'emulator_not_built', 'This server changes products, no more.');
  }
  // PHP writes an empty list where it has nothing to say.
  if (update.length === 0) return { status: 200, body: '[]', headers: json };
  return { status: 200, body: { update: update.map((item) => change(item, parentId, state)) } };
}

const json = { 'content-type': 'application/json' };

function change(item: Item, parentId: number, state: StoreState): unknown {
  const product = state.products[String(item.id)];
  const what = parentId === 0 ? 'product' : 'product_variation';
  if (product === undefined)
    return failed(item, `woocommerce_rest_${what}_invalid_id`, 'Invalid ID.');
  if (parentId === 0 && product.type === 'variation') {
    const advice =
      'To manipulate product variations you should use the ' +
      '/products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint.';
    return failed(item, 'woocommerce_rest_invalid_product_id', advice);
  }
  if (parentId !== 0 && product.parentId !== parentId) {
    return failed(item, `woocommerce_rest_${what}_invalid_id`, 'Invalid ID.');
  }
  const problem = problemOf(item);
  if (problem !== undefined) {
    return failed(item, 'rest_invalid_param', `Invalid parameter(s): ${problem}`, 400);
  }
  setStock(item, product, state);
  return bodyOf(product, state);
}

/** What the API's own schema does not allow. */
function problemOf({
  manage_stock: isManaged,
  stock_quantity: quantity,
}: Item): string | undefined {
  if (isManaged !== undefined && typeof isManaged !== 'boolean') return 'manage_stock';
  const isNumber = quantity === undefined || quantity === null || Number.isInteger(quantity);
  return isNumber ? undefined : 'stock_quantity';
}

/** Where stock is not counted a quantity is dropped, and nobody is told. */
function setStock(item: Item, product: EmulatedProduct, state: StoreState): void {
  if (!state.managesStock) return;
  if (typeof item.manage_stock === 'boolean') product.manageStock = item.manage_stock;
  if (product.type === 'grouped' || product.type === 'external') product.manageStock = false;
  if (!product.manageStock) {
    product.stockQuantity = null;
    return;
  }
  const before = product.stockQuantity ?? 0;
  if (typeof item.stock_quantity === 'number') {
    writeStock(state, product, item.stock_quantity, 'api');
  } else if (typeof item.inventory_delta === 'number') {
    writeStock(state, product, before + item.inventory_delta, 'api');
  }
}

function failed({ id }: Item, code: string, message: string, status = 404): unknown {
  return { id, error: { code, message, data: { status } } };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

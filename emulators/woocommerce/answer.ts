import type { EmulatedAnswer, EmulatedRequest } from '../emulator.ts';
import { batch } from './batch.ts';
import { listProducts } from './list-products.ts';
import { errorAnswer } from './product-body.ts';
import type { StoreState } from './state.ts';

const root = '/wp-json/wc/v3/';

/** Answers as the REST API of a shop does. */
export function answer(request: EmulatedRequest, state: StoreState): EmulatedAnswer {
  if (!request.path.startsWith(root)) return noRoute;
  const refusal = checkKey(request, state);
  if (refusal !== undefined) return refusal;
  const path = request.path.slice(root.length);
  const found = /^products(?:\/(\d+)\/variations)?(\/batch)?$/.exec(path);
  if (found === null) return noRoute;
  const parentId = Number(found[1] ?? '0');
  if (found[2] !== undefined) {
    return request.method === 'POST' ? batch(request.body, parentId, state) : noRoute;
  }
  return request.method === 'GET' ? listProducts(request.query, parentId, state) : noRoute;
}

const noRoute = errorAnswer(
  404,
  'rest_no_route',
  'No route was found matching the URL and request method.',
);

function checkKey(
  { method, headers }: EmulatedRequest,
  { consumerKey, consumerSecret, permissions }: StoreState,
): EmulatedAnswer | undefined {
  const expected = Buffer.from(`${consumerKey}:${consumerSecret}`).toString('base64');
  if (headers['authorization'] !== `Basic ${expected}`) {
    const code = 'woocommerce_rest_cannot_view';
    return errorAnswer(401, code, 'Sorry, you cannot list resources.');
  }
  const isAllowed = permissions.includes(method === 'GET' ? 'read' : 'write');
  if (isAllowed) return undefined;
  const code = 'woocommerce_rest_authentication_error';
  return errorAnswer(401, code, 'The API key provided does not have write permissions.');
}

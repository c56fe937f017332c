import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import { retryAfterMs } from '../../retry-after.ts';
import type { ShopifyConfig, ShopifyCredentials } from './kind.ts';

export class ShopifyFailed extends Error {
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  constructor(code: string, retryAfter?: number) {
    super(code);
    this.code = code;
    this.retryAfterMs = retryAfter;
  }
}

const ordersAnswer = z.object({
  fulfillmentOrders: z.object({
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
    nodes: z.array(
      z.object({
        assignedLocation: z.object({ location: z.object({ id: z.string() }).nullable() }),
        lineItems: z.object({
          pageInfo: z.object({ hasNextPage: z.boolean() }),
          nodes: z.array(
            z.object({ sku: z.string().nullable(), remainingQuantity: z.int().min(0) }),
          ),
        }),
      }),
    ),
  }),
});

const throttled = z.object({
  errors: z
    .array(z.object({ extensions: z.object({ code: z.string().optional() }).optional() }))
    .min(1),
  extensions: z
    .object({
      cost: z
        .object({
          requestedQueryCost: z.number(),
          throttleStatus: z.object({ currentlyAvailable: z.number(), restoreRate: z.number() }),
        })
        .optional(),
    })
    .optional(),
});

/** Asks for open orders. An answer with errors is none; a throttled one says how long to wait. */
export async function askShopify(
  client: HttpClient,
  request: {
    readonly config: ShopifyConfig;
    readonly credentials: ShopifyCredentials;
    readonly query: string;
    readonly variables: Readonly<Record<string, unknown>>;
    readonly signal: AbortSignal;
  },
): Promise<z.infer<typeof ordersAnswer>> {
  const { config, credentials, query, variables, signal } = request;
  const base = config.baseUrl ?? `https://${config.shopDomain}`;
  const answer = await client.request({
    method: 'POST',
    url: new URL(`/admin/api/${config.apiVersion}/graphql.json`, base).href,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'onhand',
      'x-shopify-access-token': credentials.accessToken,
    },
    body: JSON.stringify({ query, variables }),
    signal,
  });
  if (!answer.ok) throw new ShopifyFailed(answer.code);
  if (answer.status !== 200) {
    const wait = retryAfterMs(answer.headers['retry-after'], new Date());
    throw new ShopifyFailed(`http_${answer.status}`, answer.status === 429 ? wait : undefined);
  }
  let body: unknown;
  try {
    body = JSON.parse(answer.text);
  } catch {
    throw new ShopifyFailed('invalid_response');
  }
  const refused = throttled.safeParse(body);
  if (refused.success) throw failureOf(refused.data);
  const found = z.object({ data: ordersAnswer }).safeParse(body);
  if (!found.success) throw new ShopifyFailed('invalid_response');
  return found.data.data;
}

function failureOf({ errors, extensions }: z.infer<typeof throttled>): ShopifyFailed {
  if (!errors.some((error) => error.extensions?.code === 'THROTTLED')) {
    return new ShopifyFailed('graphql_error');
  }
  const cost = extensions?.cost;
  if (cost === undefined) return new ShopifyFailed('throttled', 1_000);
  const { currentlyAvailable, restoreRate } = cost.throttleStatus;
  const missing = Math.max(cost.requestedQueryCost - currentlyAvailable, 0);
  return new ShopifyFailed('throttled', Math.ceil((missing / Math.max(restoreRate, 1)) * 1000));
}

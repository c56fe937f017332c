import { createHttpClient } from '../../outgoing-http.ts';
import type { ChannelAdapter } from '../adapter.ts';
import { authenticate } from './authenticate.ts';
import { discover } from './discover.ts';
import { fetchOrder } from './fetch-order.ts';
import { readListings } from './read-levels.ts';
import { setQuantities } from './set-quantities.ts';
import {
  addressOf,
  configSchema,
  credentialsSchema,
  externalIdsSchema,
  idsOf,
  keyOfIds,
  type ShopifyConfig,
  type ShopifyCredentials,
} from './settings.ts';
import { translate } from './translate.ts';
import { verify } from './verify.ts';

/** Shopify takes no longer arrays. */
const maxBatch = 250;

/**
 * A shop's inventory through Shopify's Admin GraphQL API: `available` is set by compare-and-set
 * under an idempotency key, at the pace that the shop's cost bucket allows.
 */
export function createShopifyAdapter(options: {
  readonly allowPrivateAddresses: boolean;
}): ChannelAdapter<ShopifyConfig, ShopifyCredentials> {
  const client = createHttpClient(options);
  return {
    kind: 'shopify',
    capabilities: {
      compareAndSet: true,
      idempotency: 'directive',
      results: 'batch',
      rateModel: 'cost',
    },
    maxBatch,
    configSchema: configSchema(options.allowPrivateAddresses),
    credentialsSchema,
    externalIdsSchema,
    selects: () => ({ kind: 'listed' }),
    address: addressOf,
    listingKey: (externalIds) => {
      const ids = idsOf(externalIds);
      return ids === undefined ? '' : keyOfIds(ids);
    },
    publish: (changes, context) => setQuantities(client, changes, context),
    read: (listings, context) => readListings(client, listings, context),
    verify: (context) => verify(client, context),
    discover: (cursor, context) => discover(client, cursor, context),
    authenticate: (webhook, { config, credentials }) => authenticate(webhook, config, credentials),
    translate: (topic, webhook) => translate(topic, webhook),
    fetchOrder: ({ orderId }, context) => fetchOrder(client, orderId, context),
    close: () => client.close(),
  };
}

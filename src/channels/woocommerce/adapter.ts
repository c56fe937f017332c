import { createHttpClient } from '../../outgoing-http.ts';
import type { ChannelAdapter } from '../adapter.ts';
import { authenticate } from './authenticate.ts';
import { discover } from './discover.ts';
import { readListings } from './read-stock.ts';
import { setStock } from './set-stock.ts';
import {
  addressOf,
  configSchema,
  credentialsSchema,
  externalIdsSchema,
  idsOf,
  keyOfIds,
  keysOfLine,
  type WooConfig,
  type WooCredentials,
} from './settings.ts';
import { translate } from './translate.ts';
import { verify } from './verify.ts';

/** WooCommerce takes no longer batches, unless a shop is set otherwise. */
const maxBatch = 100;
/**
 * Variations of different products are a request each, four at a time: of twenty a request may take
 * a second, and all of them are answered within the usual timeout of five.
 */
const maxRead = 20;

/**
 * A shop's stock through WooCommerce's REST API v3. It neither compares nor orders what it is sent:
 * the last one to write is right.
 */
export function createWooCommerceAdapter(options: {
  readonly allowPrivateAddresses: boolean;
}): ChannelAdapter<WooConfig, WooCredentials> {
  const client = createHttpClient(options);
  return {
    kind: 'woocommerce',
    capabilities: {
      compareAndSet: false,
      idempotency: 'none',
      results: 'item',
      rateModel: 'calls',
    },
    maxBatch,
    maxRead,
    configSchema: configSchema(options.allowPrivateAddresses),
    credentialsSchema,
    externalIdsSchema,
    selects: () => ({ kind: 'listed' }),
    address: addressOf,
    listingKey: (externalIds) => {
      const ids = idsOf(externalIds);
      return ids === undefined ? '' : keyOfIds(ids);
    },
    lineKeys: keysOfLine,
    publish: (changes, context) => setStock(client, changes, context),
    read: (listings, context) => readListings(client, listings, context),
    verify: (context) => verify(client, context),
    discover: (cursor, context) => discover(client, cursor, context),
    authenticate: (webhook, { credentials }) => authenticate(webhook, credentials),
    translate: (topic, { body }) => translate(topic, body),
    close: () => client.close(),
  };
}

import { createHttpClient } from '../../outgoing-http.ts';
import type { ChannelAdapter } from '../adapter.ts';
import { authenticate } from './authenticate.ts';
import { discover } from './discover.ts';
import { fetchOrder } from './order.ts';
import { readListings } from './read-counts.ts';
import { setCounts } from './set-counts.ts';
import {
  addressOf,
  configSchema,
  credentialsSchema,
  externalIdsSchema,
  idsOf,
  keyOfIds,
  type SquareConfig,
  type SquareCredentials,
} from './settings.ts';
import { translate } from './translate.ts';
import { verify } from './verify.ts';

/** Square takes no more changes in one call. */
const maxBatch = 100;

/**
 * A seller's inventory through Square's API: physical counts under an idempotency key, in the order
 * of the times that they are of.
 */
export function createSquareAdapter(options: {
  readonly allowPrivateAddresses: boolean;
}): ChannelAdapter<SquareConfig, SquareCredentials> {
  const client = createHttpClient(options);
  return {
    kind: 'square',
    capabilities: {
      compareAndSet: false,
      idempotency: 'body',
      results: 'batch',
      rateModel: 'calls',
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
    publish: (changes, context) => setCounts(client, changes, context),
    read: (listings, context) => readListings(client, listings, context),
    verify: (context) => verify(client, context),
    discover: (cursor, context) => discover(client, cursor, context),
    authenticate: (webhook, { config, credentials }) => authenticate(webhook, config, credentials),
    translate: (topic, { body }) => translate(topic, body),
    fetchOrder: (named, context) => fetchOrder(client, named, context),
    close: () => client.close(),
  };
}

import { createHttpClient } from '../../outgoing-http.ts';
import type { ChannelAdapter } from '../adapter.ts';
import { createAccessTokens } from './access-tokens.ts';
import type { Ebay } from './call-ebay.ts';
import { discover } from './discover.ts';
import { readListings } from './read-offers.ts';
import { setQuantities } from './set-quantities.ts';
import {
  addressOf,
  configSchema,
  credentialsSchema,
  externalIdsSchema,
  idsOf,
  mostOffers,
  tokenUrlOf,
  type EbayConfig,
  type EbayCredentials,
} from './settings.ts';
import { verify } from './verify.ts';

/**
 * A seller's offers through eBay's Inventory API: absolute figures without idempotency keys, each
 * offer with a result of its own, and so many revisions of a listing a day.
 */
export function createEbayAdapter(options: {
  readonly allowPrivateAddresses: boolean;
}): ChannelAdapter<EbayConfig, EbayCredentials> {
  const client = createHttpClient(options);
  const ebay: Ebay = { client, tokens: createAccessTokens(client) };
  return {
    kind: 'ebay',
    capabilities: {
      compareAndSet: false,
      idempotency: 'none',
      results: 'item',
      rateModel: 'listing-per-day',
    },
    maxBatch: mostOffers,
    configSchema: configSchema(options.allowPrivateAddresses),
    credentialsSchema,
    externalIdsSchema,
    selects: () => ({ kind: 'listed' }),
    address: addressOf,
    credentialsGoTo: (config) => [addressOf(config), tokenUrlOf(config)],
    revisions: {
      limit: ({ revisionsPerDay: perDay, dayTimeZone: timeZone }) => ({ perDay, timeZone }),
      // Variations are offers of their own in one listing.
      subject: (externalIds) => {
        const ids = idsOf(externalIds);
        return ids === undefined ? null : (ids.listingId ?? `offer ${ids.offerId}`);
      },
    },
    listingKey: (externalIds) => idsOf(externalIds)?.offerId ?? '',
    publish: (changes, context) => setQuantities(ebay, changes, context),
    read: (listings, context) => readListings(ebay, listings, context),
    verify: (context) => verify(ebay, context),
    discover: (cursor, context) => discover(ebay, cursor, context),
    close: () => client.close(),
  };
}

import { createHttpClient } from '../../outgoing-http.ts';
import type { ChannelAdapter } from '../adapter.ts';
import { confirm } from './confirm.ts';
import { discover } from './discover.ts';
import { createQuotas } from './quotas.ts';
import { readListings } from './read-listings.ts';
import { setQuantities } from './set-quantities.ts';
import {
  addressOf,
  configSchema,
  credentialsSchema,
  externalIdsSchema,
  hostOf,
  idsOf,
  tokenUrlOf,
  type AmazonConfig,
  type AmazonCredentials,
} from './settings.ts';
import { createTokens } from './tokens.ts';
import { verify } from './verify.ts';
import { usualWaits, type Waits } from './waits.ts';

/** Amazon takes 25,000 messages in a feed; a call is kept whole until it is answered. */
const maxBatch = 5_000;
/** Five searches: as many as Amazon lets us make at once. */
const maxRead = 100;
/** Twenty patches go out within some four seconds, and each is waited for before the next. */
const timeoutMs = 30_000;

/**
 * A seller's listings through Amazon's Selling Partner API. Amazon has no idempotency keys and
 * takes every change for later, so nothing newer is said of a listing before the change before is
 * known to be shown, or refused. A patch without an answer is looked for, and a feed repeated.
 */
export function createAmazonAdapter(options: {
  readonly allowPrivateAddresses: boolean;
  readonly waits?: Waits;
}): ChannelAdapter<AmazonConfig, AmazonCredentials> {
  const client = createHttpClient(options);
  const connection = { client, tokens: createTokens(client), quotas: createQuotas() };
  const { waits = usualWaits } = options;
  return {
    kind: 'amazon',
    capabilities: {
      compareAndSet: false,
      idempotency: 'content',
      results: 'item',
      rateModel: 'calls',
    },
    maxBatch,
    maxRead,
    timeoutMs,
    configSchema: configSchema(options.allowPrivateAddresses),
    credentialsSchema,
    externalIdsSchema,
    selects: () => ({ kind: 'listed' }),
    address: addressOf,
    credentialsGoTo: (config) => [hostOf(config), tokenUrlOf(config)],
    listingKey: (externalIds) => idsOf(externalIds)?.sku ?? '',
    publish: (changes, context) => setQuantities(connection, changes, context),
    confirm: (operation, changes, context) => {
      return confirm(connection, waits, operation, changes, context);
    },
    read: (listings, context) => readListings(connection, listings, context),
    verify: (context) => verify(connection, context),
    discover: (cursor, context) => discover(connection, cursor, context),
    close: () => client.close(),
  };
}

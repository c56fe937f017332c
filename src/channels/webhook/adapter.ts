import { Agent, request, type Dispatcher } from 'undici';
import { z } from 'zod';
import { codeOfError } from '../../outgoing-http.ts';
import { urlSetting } from '../../url-setting.ts';
import {
  AddressRefused,
  isPublicAddress,
  literalAddress,
  lookupPublicAddress,
} from '../../public-address.ts';
import {
  failureOfStatus,
  type Change,
  type ChannelAdapter,
  type PublishContext,
  type PublishResult,
} from '../adapter.ts';
import { webhookBody } from './body.ts';
import { authenticate, translate } from './inbound.ts';
import { newWebhookSecret, signWebhook } from './signature.ts';

/** 100 changes are some 15 kB: the size that Standard Webhooks recommends to stay under. */
const maxBatch = 100;
/** Of an answer's body we read so much, only to use the connection again. */
const bodyLimit = 8_192;
const ids = z.array(z.string().min(1).max(128)).min(1).max(10_000);

export type WebhookConfig = {
  readonly url: string;
  readonly skus?: readonly string[] | undefined;
  readonly stores?: readonly string[] | undefined;
};
export type WebhookCredentials = { readonly secret: string };
type Webhook = ChannelAdapter<WebhookConfig, WebhookCredentials>;

/** Signed messages to a URL of the merchant's own, after Standard Webhooks 1.0. */
export function createWebhookAdapter(options: { allowPrivateAddresses: boolean }): Webhook {
  const agent = new Agent({
    connections: 16,
    keepAliveTimeout: 4_000,
    // The call's signal is the only clock; these stay behind it.
    connect: {
      timeout: 60_000,
      ...(options.allowPrivateAddresses ? {} : { lookup: lookupPublicAddress }),
    },
    headersTimeout: 60_000,
    bodyTimeout: 5_000,
  });
  return {
    kind: 'webhook',
    capabilities: {
      compareAndSet: false,
      idempotency: 'none',
      results: 'batch',
      rateModel: 'calls',
    },
    maxBatch,
    configSchema: z.strictObject({
      url: urlSetting(options.allowPrivateAddresses),
      skus: ids.optional(),
      stores: ids.optional(),
    }),
    credentialsSchema: z.strictObject({
      secret: z.string().regex(/^whsec_(?:[A-Za-z0-9+/]{4}){5,21}[A-Za-z0-9+/]{2,4}={0,2}$/, {
        error: 'whsec_ and 16 to 64 random bytes in base64',
      }),
    }),
    newCredentials: () => ({ secret: newWebhookSecret() }),
    selects: ({ skus, stores }) => ({ kind: 'all', skus, stores }),
    address: ({ url }) => url,
    // The secret signs, and stays here.
    credentialsGoTo: () => [],
    publish: (changes, context) => send(agent, options.allowPrivateAddresses, changes, context),
    authenticate: (webhook, { credentials, now }) =>
      authenticate(webhook, credentials.secret, now()),
    translate: (_topic, { body }) => translate(body),
    close: () => agent.destroy(),
  };
}

async function send(
  agent: Agent,
  allowPrivate: boolean,
  changes: readonly Change[],
  context: PublishContext<WebhookConfig, WebhookCredentials>,
): Promise<PublishResult> {
  const { config, credentials, channelId, messageId, signal, now } = context;
  const body = webhookBody(channelId, changes);
  const timestamp = Math.floor(now().getTime() / 1000);
  try {
    const literal = literalAddress(new URL(config.url).hostname);
    if (!allowPrivate && literal !== undefined && !isPublicAddress(literal)) {
      throw new AddressRefused();
    }
    const response = await request(config.url, {
      dispatcher: agent,
      method: 'POST',
      signal,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'onhand',
        'webhook-id': messageId,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signWebhook(credentials.secret, messageId, timestamp, body),
      },
      body,
    });
    discard(response);
    const status = response.statusCode;
    if (status >= 200 && status < 300) return { ok: true, httpStatus: status };
    const retryAfter = response.headers['retry-after'];
    const header = Array.isArray(retryAfter) ? retryAfter[0] : retryAfter;
    return { ok: false, failure: failureOfStatus(status, header, now()) };
  } catch (error) {
    const code = signal.aborted ? 'timeout' : codeOfError(error);
    return { ok: false, failure: { code, scope: 'channel' } };
  }
}

/** The status said everything; what follows is read to its end or cut off, and nobody waits. */
function discard(response: Dispatcher.ResponseData): void {
  response.body.dump({ limit: bodyLimit }).catch(() => undefined);
}

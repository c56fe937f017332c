import { createHash } from 'node:crypto';
import { isSignedBy } from '../../hmac-signature.ts';
import type { Authentication, InboundWebhook } from '../adapter.ts';
import type { ShopifyConfig, ShopifyCredentials } from './settings.ts';

/**
 * Whether Shopify signed a webhook for this shop: HMAC-SHA256 of the raw body with the app's
 * client secret, in base64. The secret is the app's and not the shop's, so a webhook that names its
 * shop has to name ours. While secrets are changed any of ours will do.
 *
 * Its id is the delivery's: the same on every retry. Where it has none it is made from what the
 * webhook says. Several deliveries that tell of one event are told apart by what they say, not
 * here.
 */
export function authenticate(
  { headers, body }: InboundWebhook,
  config: ShopifyConfig,
  { webhookSecret }: ShopifyCredentials,
): Authentication {
  // Shopify's newer events use the same names without the prefix.
  const header = (name: string): string => {
    return headers[`x-shopify-${name}`] ?? headers[`shopify-${name}`] ?? '';
  };
  const isSigned = isSignedBy(webhookSecret, [[body]], header('hmac-sha256'));
  const topic = header('topic');
  const eventId = header('event-id');
  const shopDomain = header('shop-domain').toLowerCase();
  const isOurs = shopDomain === '' || shopDomain === config.shopDomain;
  if (!isSigned || !isOurs || topic === '') return { ok: false };
  const ownId = eventId === '' ? digestOf(topic, body) : `${topic} ${eventId}`;
  return { ok: true, webhookId: header('webhook-id') || ownId, topic };
}

function digestOf(topic: string, body: Buffer): string {
  return createHash('sha256').update(`${topic}\n`).update(body).digest('hex');
}

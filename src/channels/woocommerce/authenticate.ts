import { createHash } from 'node:crypto';
import { isSignedBy } from '../../hmac-signature.ts';
import type { Authentication, InboundWebhook } from '../adapter.ts';
import type { WooCredentials } from './settings.ts';

/** Longer ones come from nobody. */
const longestPing = 64;

/**
 * Whether the shop signed a webhook: HMAC-SHA256 of the raw body with the webhook's secret, in
 * base64. While secrets are changed any of ours will do.
 *
 * Its id is made from what it says. The shop's own delivery id is made from the second it is sent
 * in: two webhooks may share it, and the same one sent twice has two. Of a deletion, which says
 * nothing but a number, it is taken along, as an order may be deleted again.
 *
 * A new webhook is announced by a form without signature, which wants to be answered 200. It is let
 * through as `ping`, which tells nothing, and has one id for all.
 */
export function authenticate(
  { headers, body }: InboundWebhook,
  { webhookSecret }: WooCredentials,
): Authentication {
  const signature = headers['x-wc-webhook-signature'];
  if (signature === undefined && isPing(headers, body)) {
    return { ok: true, webhookId: 'ping', topic: 'ping' };
  }
  const topic = headers['x-wc-webhook-topic'] ?? '';
  const isSigned = isSignedBy(webhookSecret, [[body]], signature ?? '');
  if (!isSigned || topic === '') return { ok: false };
  const hash = createHash('sha256').update(`${topic}\n`).update(body);
  if (topic.endsWith('.deleted')) hash.update(headers['x-wc-webhook-delivery-id'] ?? '');
  return { ok: true, webhookId: hash.digest('hex'), topic };
}

function isPing(headers: Readonly<Record<string, string>>, body: Buffer): boolean {
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  return isForm && body.length <= longestPing && /^webhook_id=\d+$/.test(body.toString('latin1'));
}

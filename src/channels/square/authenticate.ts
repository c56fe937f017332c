import { z } from 'zod';
import { isSignedBy } from '../../hmac-signature.ts';
import type { Authentication, InboundWebhook } from '../adapter.ts';
import type { SquareConfig, SquareCredentials } from './settings.ts';

const eventSchema = z.object({
  event_id: z.string().min(1).max(255),
  type: z.string().min(1).max(255),
});

/**
 * Whether Square signed a webhook: HMAC-SHA256 of the notification URL and the raw body with the
 * subscription's signature key, in base64. The URL is the one that Square was told; where the
 * channel does not say it, it is the one that was called, as far as that can be known here.
 *
 * Its id is the event's: the same on every retry.
 */
export function authenticate(
  { headers, body, url }: InboundWebhook,
  { notificationUrl }: SquareConfig,
  { webhookSignatureKey }: SquareCredentials,
): Authentication {
  const signature = headers['x-square-hmacsha256-signature'] ?? '';
  const urls = notificationUrl === undefined ? calledAs(url) : [notificationUrl];
  const signed = urls.map((each) => [each, body]);
  if (!isSignedBy(webhookSignatureKey, signed, signature)) return { ok: false };
  const event = eventSchema.safeParse(jsonOf(body)).data;
  if (event === undefined) return { ok: false };
  return { ok: true, webhookId: event.event_id, topic: event.type };
}

/**
 * The URLs that Square may have been told: what stands between may have taken the encryption off,
 * or have added the merchant. The path and the host are those of the call, and the key is Square's
 * alone: a signature of any of these is its own.
 */
function calledAs(url: string): readonly string[] {
  const full = url.slice(url.indexOf('://'));
  const [bare = ''] = full.split('?');
  return [...new Set([full, bare])].flatMap((rest) => [`https${rest}`, `http${rest}`]);
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

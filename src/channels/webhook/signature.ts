import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { refuse, UsageError, type Refusal } from '../../errors.ts';

// Standard Webhooks 1.0 (standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`.

const prefix = 'whsec_';
/** How far the sender's clock may be off: an older message may be one that somebody replays. */
const toleranceSeconds = 300;

/** A message as it came in. Headers that were not there are undefined. */
export type SignedWebhook = {
  readonly id: string | undefined;
  readonly timestamp: string | undefined;
  /** One or more signatures with a space between them: senders that change secrets send several. */
  readonly signature: string | undefined;
  /** The bytes as received: JSON that was parsed and written again has another signature. */
  readonly body: string | Buffer;
};

/** A new signing secret: `whsec_` and 32 random bytes in base64. */
export function newWebhookSecret(): string {
  return prefix + randomBytes(32).toString('base64');
}

/**
 * The `webhook-signature` header for a message.
 * @param secret `whsec_` and the key in base64; anything else throws a UsageError
 * @param timestampSeconds whole seconds since 1970, sent as `webhook-timestamp`
 */
export function signWebhook(
  secret: string,
  id: string,
  timestampSeconds: number,
  body: string | Buffer,
): string {
  return `v1,${mac(secret, id, String(timestampSeconds), body).toString('base64')}`;
}

/**
 * Says why a message is not to be trusted, or nothing when it is.
 * Refusals: WEBHOOK.HEADER_MISSING, WEBHOOK.TIMESTAMP_REFUSED, WEBHOOK.SIGNATURE_INVALID.
 * @param now the receiver's time
 */
export function verifyWebhook(
  secret: string,
  message: SignedWebhook,
  now: Date = new Date(),
): Refusal | undefined {
  const { id, timestamp, signature, body } = message;
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signature,
  };
  const missing = Object.entries(headers).find(([, value]) => !value)?.[0];
  if (!id || !timestamp || !signature) {
    return refuse('WEBHOOK.HEADER_MISSING', `the header ${missing} is missing`);
  }
  if (!/^\d{1,15}$/.test(timestamp)) {
    return refuse('WEBHOOK.TIMESTAMP_REFUSED', 'webhook-timestamp is not a number of seconds');
  }
  const ageSeconds = Math.floor(now.getTime() / 1000) - Number(timestamp);
  if (Math.abs(ageSeconds) > toleranceSeconds) {
    const when = `${Math.abs(ageSeconds)} seconds ${ageSeconds > 0 ? 'ago' : 'ahead'}`;
    return refuse('WEBHOOK.TIMESTAMP_REFUSED', `the message was signed ${when}; 300 are allowed`);
  }
  const expected = mac(secret, id, timestamp, body);
  const isOurs = signature.split(' ').some((candidate) => {
    const [version, encoded] = candidate.split(',', 2);
    return version === 'v1' && isSameMac(expected, encoded ?? '');
  });
  if (isOurs) return undefined;
  return refuse('WEBHOOK.SIGNATURE_INVALID', 'no signature fits the secret and the body');
}

function isSameMac(expected: Buffer, encoded: string): boolean {
  const given = Buffer.from(encoded, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function mac(secret: string, id: string, timestamp: string, body: string | Buffer): Buffer {
  const hmac = createHmac('sha256', keyOf(secret));
  return hmac.update(`${id}.${timestamp}.`).update(body).digest();
}

function keyOf(secret: string): Buffer {
  const encoded = secret.startsWith(prefix) ? secret.slice(prefix.length) : '';
  // Buffer.from skips what is not base64, so that a mistyped secret would quietly be another one.
  if (/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(encoded)) {
    const key = Buffer.from(encoded, 'base64');
    if (key.length > 0) return key;
  }
  throw new UsageError('a webhook secret is whsec_ followed by the key in base64');
}

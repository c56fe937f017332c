import { createHmac, timingSafeEqual } from 'node:crypto';

/** A secret, or several while it is being changed. */
type Secrets = string | readonly string[] | undefined;

/**
 * Whether any of the secrets signed any of the messages: HMAC-SHA256 in base64. Each is tried with
 * each: how long it takes says nothing about which of them fits.
 * @param messages each in parts, which are signed as one
 */
export function isSignedBy(
  secrets: Secrets,
  messages: readonly (readonly (string | Buffer)[])[],
  signature: string,
): boolean {
  const given = Buffer.from(signature, 'base64');
  let isSigned = false;
  for (const secret of secrets === undefined ? [] : [secrets].flat()) {
    for (const parts of messages) {
      const hmac = createHmac('sha256', secret);
      for (const part of parts) hmac.update(part);
      const expected = hmac.digest();
      if (given.length === expected.length && timingSafeEqual(given, expected)) isSigned = true;
    }
  }
  return isSigned;
}

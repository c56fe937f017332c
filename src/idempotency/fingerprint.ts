import { hash } from 'node:crypto';

/**
 * What a request said, as a UUID: the first 128 bits of the SHA-256 of its parts. Two requests with
 * the same parts are the same request. Parts are joined unambiguously (as JSON).
 */
export function fingerprint(...parts: readonly unknown[]): string {
  const digest = hash('sha256', JSON.stringify(parts), 'hex');
  return (
    `${digest.slice(0, 8)}-${digest.slice(8, 12)}-${digest.slice(12, 16)}-` +
    `${digest.slice(16, 20)}-${digest.slice(20, 32)}`
  );
}

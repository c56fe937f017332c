import { createHash } from 'node:crypto';
import type { Change } from './adapter.ts';

/**
 * The id of a message, made from what it says: the same content has the same one on every retry, in
 * every process and after a redrive, and newer figures have another. A republish brings a nonce, so
 * that receivers who drop what they have seen take it again.
 */
export function messageIdOf(
  merchantId: string,
  channelId: string,
  changes: readonly Change[],
  nonces: readonly (string | null)[],
): string {
  const content = changes.map(({ storeId, sku, available, onHand, version, entry }) => [
    storeId,
    sku,
    available,
    onHand,
    version,
    entry?.entryId ?? null,
  ]);
  const forced = nonces.filter((nonce) => nonce !== null);
  const text = JSON.stringify([merchantId, channelId, content, forced]);
  return `msg_${createHash('sha256').update(text, 'utf8').digest('base64url').slice(0, 32)}`;
}

import { createHash } from 'node:crypto';

/**
 * The number of a SKU's message in a feed: it follows from the SKU, so that a report is understood
 * without knowing what else was in its feed. 1 to 2^31 - 1; two SKUs can have the same.
 */
export function messageIdOf(sku: string): number {
  const digest = createHash('sha256').update(sku).digest();
  return Math.max(digest.readUInt32BE(0) >>> 1, 1);
}

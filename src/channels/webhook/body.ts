import type { Change } from '../adapter.ts';

/**
 * The body of a webhook. The same changes give the same bytes: its time is that of the newest
 * change, not of the sending.
 */
export function webhookBody(channelId: string, changes: readonly Change[]): string {
  const newest = Math.max(...changes.map(({ recordedAt }) => recordedAt.getTime()));
  return JSON.stringify({
    type: 'stock.level.changed',
    timestamp: new Date(newest).toISOString(),
    data: {
      channelId,
      changes: changes.map(({ storeId, sku, available, onHand, version, recordedAt, entry }) => ({
        storeId,
        sku,
        available,
        onHand,
        version,
        recordedAt: recordedAt.toISOString(),
        ...entry,
      })),
    },
  });
}

import type { OutboxMessage } from './take-messages.ts';

/** What changed at one level: its newest version, and since when the oldest change waits. */
export type ChangedLevel = {
  readonly merchantId: string;
  readonly sku: string;
  readonly storeId: string;
  readonly version: number;
  readonly oldestRecordedAt: Date;
};

/** One entry for each level, in the order in which locks are taken. */
export function newestOfLevel(messages: readonly OutboxMessage[]): readonly ChangedLevel[] {
  const levels = new Map<string, ChangedLevel>();
  for (const { merchantId, sku, storeId, version, recordedAt } of messages) {
    const id = `${merchantId}\u0000${sku}\u0000${storeId}`;
    const known = levels.get(id);
    const isOlder = known === undefined || recordedAt < known.oldestRecordedAt;
    levels.set(id, {
      merchantId,
      sku,
      storeId,
      version: Math.max(version, known?.version ?? 0),
      oldestRecordedAt: isOlder ? recordedAt : known.oldestRecordedAt,
    });
  }
  return [...levels].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, level]) => level);
}

import { z } from 'zod';

const change = z.looseObject({
  storeId: z.string(),
  sku: z.string(),
  available: z.int(),
  onHand: z.int(),
  version: z.int(),
  recordedAt: z.string(),
  // Only of channels that are sent every ledger entry.
  entryId: z.union([z.string(), z.number()]).optional(),
  quantity: z.string().optional(),
  delta: z.int().optional(),
  reason: z.string().nullish(),
});

const stockLevelChanged = z.looseObject({
  type: z.literal('stock.level.changed'),
  timestamp: z.string(),
  data: z.looseObject({ channelId: z.string(), changes: z.array(change) }),
});

/** One change as the webhook carries it. */
export type ReceivedChange = z.infer<typeof change>;

/** What is known of a message besides its changes. */
export type ReceivedMessage = {
  /** The same on every retry of the same content. */
  readonly webhookId: string;
  readonly channelId: string;
  readonly receivedAt: Date;
};

/**
 * Reads the body of a webhook.
 * @returns undefined when it is not JSON or not of the documented form; no changes for other types
 */
export function readMessage(
  body: Buffer,
): { channelId: string; changes: readonly ReceivedChange[] } | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  const message = stockLevelChanged.safeParse(json);
  if (message.success) return message.data.data;
  const other = z.looseObject({ type: z.string() }).safeParse(json);
  const isOther = other.success && other.data.type !== 'stock.level.changed';
  return isOther ? { channelId: '', changes: [] } : undefined;
}

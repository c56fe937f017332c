import type { ColumnType } from 'kysely';

type Json = ColumnType<unknown, string, string>;

/**
 * `waiting`: to be worked; `done`; `ignored`: nothing follows from it for stock; `stale`: something
 * newer was known already; `poison`: it could not be worked, and waits for a person.
 */
export type WebhookStatus = 'waiting' | 'done' | 'ignored' | 'stale' | 'poison';

export type InboxWebhookTable = {
  merchant_id: string;
  channel_id: string;
  webhook_id: string;
  topic: string;
  headers: Json;
  body: Buffer;
  status: WebhookStatus;
  attempts: number;
  unread: number;
  error_code: string | null;
  due_at: Date;
  received_at: Date;
  ended_at: Date | null;
};

export type InboundOrderTable = {
  merchant_id: string;
  channel_id: string;
  order_id: string;
  revision: number;
  progress: number;
  refunds: Json;
  status: 'pending' | 'confirmed' | 'cancelled';
  occurred_at: Date;
  updated_at: Date;
};

export type InboundLineTable = {
  merchant_id: string;
  channel_id: string;
  order_id: string;
  line_id: string;
  listing_key: string | null;
  channel_sku: string | null;
  place: string | null;
  wanted: number;
  sku: string | null;
  location_id: string | null;
  held: number;
  sold: number;
};

declare module '../db/database.ts' {
  interface Tables {
    inbox_webhook: InboxWebhookTable;
    inbound_order: InboundOrderTable;
    inbound_line: InboundLineTable;
  }
}

import type { ColumnType, Generated } from 'kysely';

type Json = ColumnType<unknown, string, string>;

/**
 * `latest`: only the newest figure matters, older ones are skipped. `every`: each ledger entry from
 * the channel's creation on, in the order of its level's versions.
 */
export type ChannelMode = 'latest' | 'every';

export type ChannelTable = {
  merchant_id: string;
  channel_id: string;
  kind: string;
  config: Json;
  credentials: Buffer | null;
  mode: ChannelMode;
  rate_limit_rps: number | null;
  timeout_ms: number;
  max_attempts: number | null;
  buffer: ColumnType<unknown, string | null, string | null>;
  enabled: boolean;
  paused_at: Date | null;
  pause_reason: string | null;
  queue: string;
  selects_all: boolean;
  select_skus: string[] | null;
  select_stores: string[] | null;
  backfill: ColumnType<
    { nonce: string | null; after: [string, string] | null } | null,
    string | null,
    string | null
  >;
  leader: string | null;
  leader_until: Date | null;
  blocked_until: Date | null;
  created_at: Date;
  updated_at: Date;
};

export type ListingTable = {
  merchant_id: string;
  channel_id: string;
  sku: string;
  location_id: string;
  external_ids: ColumnType<unknown, string | null, string | null>;
  published_quantity: number | null;
  published_on_hand: number | null;
  published_version: Generated<number>;
  published_at: Date | null;
  wanted_version: Generated<number>;
  pending_since: Date | null;
  force_nonce: string | null;
  state: Generated<'idle' | 'queued' | 'dead'>;
  job_id: string | null;
  dead_delivery: string | null;
};

export type DeliveryTable = {
  merchant_id: string;
  delivery_id: string;
  channel_id: string;
  job_id: string;
  message_id: string | null;
  status: DeliveryStatus;
  listings: number;
  open_listings: Generated<number>;
  created_at: Date;
  updated_at: Date;
};

export type DeliveryStatus =
  'delivered' | 'suppressed' | 'retrying' | 'dead' | 'redriving' | 'redriven' | 'superseded';

export type DeliveryAttemptTable = {
  merchant_id: string;
  delivery_id: string;
  attempt: number;
  started_at: Date;
  outcome: AttemptOutcome;
  http_status: number | null;
  error_code: string | null;
  lag_ms: number | null;
  duration_ms: number;
};

/** What one call came to. */
export type AttemptOutcome = 'delivered' | 'suppressed' | 'failed';

declare module '../db/database.ts' {
  interface Tables {
    channel: ChannelTable;
    listing: ListingTable;
    delivery: DeliveryTable;
    delivery_attempt: DeliveryAttemptTable;
  }
}

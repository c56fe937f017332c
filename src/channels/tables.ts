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
  batch_window_ms: number | null;
  drift_policy: Generated<DriftPolicy>;
  rules_version: Generated<number>;
};

/**
 * What happens when a channel shows another figure than we told it. `ours`: it is sent ours at
 * once. `hold`: the listing waits until somebody approves of that.
 */
export type DriftPolicy = 'ours' | 'hold';

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
  state: Generated<'idle' | 'queued' | 'waiting' | 'held' | 'dead'>;
  job_id: string | null;
  dead_delivery: string | null;
  told_at: Date | null;
  rules_version: Generated<number>;
  told_rules: Generated<number>;
  paused_at: Date | null;
  unanswered_quantity: number | null;
  drift_id: string | null;
};

/** A call as it goes out, kept until it is answered. */
export type StoredCallTable = {
  merchant_id: string;
  channel_id: string;
  job_id: string;
  message_id: string;
  content: Json;
  stored_at: Generated<Date>;
};

/** What a channel has taken and will apply later. */
export type AcceptedOperationTable = {
  merchant_id: string;
  channel_id: string;
  job_id: string;
  operation: string;
  content: Json;
  polls: Generated<number>;
  accepted_at: Generated<Date>;
};

export type ListingRequestTable = {
  merchant_id: string;
  channel_id: string;
  sku: string;
  location_id: string;
  due_at: ColumnType<Date, string | undefined, string>;
};

/** How often something was revised at a channel in one of its days. */
export type RevisionBudgetTable = {
  merchant_id: string;
  channel_id: string;
  subject: string;
  day: ColumnType<Date, string, string>;
  spent: number;
  spent_at: Date | null;
};

export type ChannelStateTable = {
  merchant_id: string;
  channel_id: string;
  state: Json;
  noted_at: Date;
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

/**
 * `accepted`: the channel has taken it and will apply it. `held`: the channel shows something else,
 * and somebody has to approve of ours.
 */
export type DeliveryStatus =
  | 'delivered'
  | 'suppressed'
  | 'accepted'
  | 'held'
  | 'retrying'
  | 'dead'
  | 'redriving'
  | 'redriven'
  | 'superseded';

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
export type AttemptOutcome = 'delivered' | 'suppressed' | 'accepted' | 'failed';

declare module '../db/database.ts' {
  interface Tables {
    channel: ChannelTable;
    listing: ListingTable;
    stored_call: StoredCallTable;
    accepted_operation: AcceptedOperationTable;
    listing_request: ListingRequestTable;
    revision_budget: RevisionBudgetTable;
    channel_state: ChannelStateTable;
    delivery: DeliveryTable;
    delivery_attempt: DeliveryAttemptTable;
  }
}

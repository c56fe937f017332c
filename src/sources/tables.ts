import type { ColumnType, Generated } from 'kysely';

type Json<T = unknown> = ColumnType<T, string, string>;
type OptionalJson<T> = ColumnType<T | null, string | null, string | null>;
/** An enum of the database: compared as text. */
type QuantityName = ColumnType<string, string, never>;

/** `delta`: what changed since the watermark; `full`: everything, each time. */
export type SourceMode = 'delta' | 'full';

/** Where a full read stands. */
export type SnapshotState = {
  readonly generation: number;
  readonly cursor: string | null;
  readonly startedAt: string;
  /** So many items were read. */
  readonly items: number;
  /** So many rows do not even say what they are about; absent: none. */
  readonly placeless?: number;
};

export type SourceTable = {
  merchant_id: string;
  source_id: string;
  kind: string;
  mode: SourceMode;
  config: Json;
  credentials: Buffer | null;
  interval_minutes: number | null;
  batch_size: number | null;
  guards: Json<Partial<Guards>>;
  enabled: boolean;
  watermark: string | null;
  snapshot: OptionalJson<SnapshotState>;
  generation: Generated<number>;
  revision: Generated<number>;
  last_page: OptionalJson<{ token: string; counts: RunCounts }>;
  blocked_until: Date | null;
  requested_run: string | null;
  next_run_at: Date;
  created_at: Date;
  updated_at: Date;
};

/** What has to look wrong before a report waits for somebody's approval. */
export type Guards = {
  /** More of the source's SKUs than this share may not fall to zero in one run; 100: any may. */
  readonly massZeroPercent: number;
  /** A figure may not differ by more than this from ours; null: by any. */
  readonly maxDeltaPercent: number | null;
  /** Whether a figure may create a level, or is held until there is one. */
  readonly unknownSkus: 'create' | 'hold';
};

export type SourceOwnershipTable = {
  merchant_id: string;
  quantity: QuantityName;
  location_id: string;
  source_id: string;
};

export type SourceScheduleTable = {
  merchant_id: string;
  stopped_at: Date | null;
  interval_seconds: number | null;
};

export type SourceFigureTable = {
  merchant_id: string;
  source_id: string;
  sku: string;
  location_id: string;
  quantity: QuantityName;
  value: number;
  version: string | null;
  observed_at: Date;
  item_id: string;
  generation: number;
  recorded_at: Date;
  first_version: Generated<number>;
  missing: Generated<boolean>;
};

export type SourceMovementTable = {
  merchant_id: string;
  source_id: string;
  item_id: string;
  recorded_at: Date;
  sku: string | null;
  location_id: string | null;
  quantity: ColumnType<string | null, string | null, never>;
  value: number | null;
  version: string | null;
  observed_at: Date | null;
  settled: Generated<boolean>;
};

export type SourceHeldItemTable = {
  merchant_id: string;
  source_id: string;
  item_key: string;
  item: Json;
  code: string;
  held_at: Date;
};

export type QuarantineCause = 'mass_zero' | 'max_delta';
export type QuarantineStatus = 'parked' | 'pending' | 'approved' | 'refused' | 'superseded';

export type SourceQuarantineTable = {
  merchant_id: string;
  quarantine_id: string;
  source_id: string;
  sku: string;
  location_id: string;
  quantity: QuantityName;
  current_value: number;
  value: number;
  version: string | null;
  observed_at: Date;
  item: Json;
  cause: QuarantineCause;
  status: QuarantineStatus;
  run_id: string;
  created_at: Date;
  decided_at: Date | null;
  decided_by: string | null;
};

export type SourceFallTable = {
  merchant_id: string;
  source_id: string;
  sku: string;
  fell_at: Date;
};

export type RunTrigger = 'schedule' | 'request' | 'push';
export type RunStatus = 'running' | 'succeeded' | 'failed' | 'blocked' | 'stopped' | 'interrupted';

/** What became of the items of a run. `read` counts them as they came, repeats included. */
export type RunCounts = {
  readonly read: number;
  readonly applied: number;
  /** Known already, or no change. */
  readonly unchanged: number;
  /** Older than what the source had said before. */
  readonly stale: number;
  /** About a quantity that this source does not own. */
  readonly refused: number;
  /** Kept, to be tried again: the store is unknown, or the movement takes what is not there yet. */
  readonly held: number;
  readonly quarantined: number;
};

export type SourceRunTable = {
  merchant_id: string;
  run_id: string;
  source_id: string;
  trigger: RunTrigger;
  status: RunStatus;
  code: string | null;
  pages: Generated<number>;
  started_at: Date;
  finished_at: Date | null;
} & { [Count in keyof RunCounts]: Generated<number> };

declare module '../db/database.ts' {
  interface Tables {
    source: SourceTable;
    source_ownership: SourceOwnershipTable;
    source_schedule: SourceScheduleTable;
    source_figure: SourceFigureTable;
    source_movement: SourceMovementTable;
    source_held_item: SourceHeldItemTable;
    source_quarantine: SourceQuarantineTable;
    source_fall: SourceFallTable;
    source_run: SourceRunTable;
  }
}

import type { ColumnType, Generated } from 'kysely';

type Json<T = unknown> = ColumnType<T, string, string>;
type DefaultJson<T> = ColumnType<T, string | undefined, string>;
type OptionalJson<T> = ColumnType<T | null, string | null | undefined, string | null>;

/**
 * `pending`: somebody has to approve of what is to be done. `settling`: it is being done.
 * `settled`: done. `ignored`: nothing is done. `superseded`: another figure was seen before it was
 * settled, and a later drift tells the rest.
 */
export type DriftStatus = 'pending' | 'settling' | 'settled' | 'ignored' | 'superseded';

/**
 * What probably caused a drift. `undelivered`: our figure did not arrive, or an older one did after
 * it. `channel_changed`: the channel took our figure and shows another one. `missed_source_event`:
 * the source never told us by its changes. `unknown`: none of these.
 */
export type DriftCause = 'undelivered' | 'channel_changed' | 'missed_source_event' | 'unknown';

export type DriftTable = {
  merchant_id: string;
  drift_id: string;
  sku: string;
  location_id: string;
  channel_id: string | null;
  source_id: string | null;
  expected: number;
  observed: number;
  units: number;
  cause: string;
  action: string;
  status: DriftStatus;
  found_at: Generated<Date>;
  updated_at: Generated<Date>;
  settled_at: Date | null;
  quantity: ColumnType<string | null, string | null | undefined, string | null>;
  reconciliation_id: ColumnType<string | null, string | null | undefined, string | null>;
  version: ColumnType<number | null, number | null | undefined, number | null>;
  agreed_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  entry_count: Generated<number>;
  entries: DefaultJson<unknown>;
  seen: OptionalJson<unknown>;
  approved_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
};

/** `settling`: all is compared, and what differed is being brought into line. */
export type ReconciliationStatus = 'queued' | 'running' | 'settling' | 'finished';

export type ReconciliationTable = {
  merchant_id: string;
  reconciliation_id: string;
  trigger: 'schedule' | 'request';
  channel_id: string | null;
  source_id: string | null;
  status: ReconciliationStatus;
  ledger: DefaultJson<Readonly<Record<string, number>>>;
  requested_at: Generated<Date>;
  started_at: Date | null;
  compared_at: Date | null;
  finished_at: Date | null;
};

/** `confirming`: what differed is looked at again. */
export type PartStatus = 'reading' | 'confirming' | 'finished' | 'failed';

export type ReconciliationPartTable = {
  merchant_id: string;
  reconciliation_id: string;
  part_id: string;
  channel_id: string | null;
  source_id: string | null;
  status: Generated<PartStatus>;
  code: string | null;
  position: OptionalJson<unknown>;
  confirm_at: Date | null;
  holds_zeros: Generated<boolean>;
  compared: Generated<number>;
  stocked: Generated<number>;
  in_flight: Generated<number>;
  missing: Generated<number>;
  drifts: Generated<number>;
  items: Generated<number>;
  finished_at: Date | null;
};

export type ReconciliationSuspectTable = {
  merchant_id: string;
  reconciliation_id: string;
  part_id: string;
  sku: string;
  location_id: string;
  quantity: string;
  seen: Json;
};

declare module '../db/database.ts' {
  interface Tables {
    drift: DriftTable;
    reconciliation: ReconciliationTable;
    reconciliation_part: ReconciliationPartTable;
    reconciliation_suspect: ReconciliationSuspectTable;
  }
}

import type { Adapters } from '../channels/index.ts';
import type { Db } from '../db/index.ts';
import type { SourcesContext } from '../sources/index.ts';

export type ReconciliationSettings = {
  /** From so many units on a drift waits for an approval, 1 … */
  readonly discrepancyThreshold: number;
  readonly alertOnBreach: boolean;
};

export type DriftAlert = {
  readonly merchantId: string;
  readonly reconciliationId: string;
  readonly channelId: string | null;
  readonly sourceId: string | null;
  /** Drifts of this run that wait for an approval, and their units in all. */
  readonly pending: number;
  readonly units: number;
};

export type FinishedRun = {
  readonly merchantId: string;
  readonly reconciliationId: string;
  readonly trigger: string;
  readonly compared: number;
  readonly drifts: number;
  readonly settled: number;
  readonly pending: number;
  /** Parts that did not get to their end. */
  readonly failed: number;
  /** Rows of the ledger's audit views. */
  readonly violations: number;
};

/** What reconciliation finds, for logs, metrics and alerts. */
export type ReconciliationEvents = {
  /** One drift at the least reaches the threshold: at most once for each part of a run. */
  readonly onAlert?: (alert: DriftAlert) => void;
  readonly onFinished?: (run: FinishedRun) => void;
};

/** What working a run needs. */
export type ReconciliationContext = {
  readonly db: Db;
  readonly adapters: Adapters;
  readonly sources: SourcesContext;
  readonly settings: ReconciliationSettings;
  readonly events: ReconciliationEvents;
  /** Between two looks at what differs, in ms: what is on its way arrives meanwhile. */
  readonly confirmMs: number;
  /** A run ends although drifts are still being settled after so long, in ms. */
  readonly settleMs: number;
};

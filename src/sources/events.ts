import type { RunCounts, RunStatus, RunTrigger } from './tables.ts';

export type RunEvent = {
  readonly merchantId: string;
  readonly sourceId: string;
  readonly runId: string;
  readonly trigger: RunTrigger;
  readonly status: RunStatus;
  readonly code: string | null;
  readonly counts: RunCounts;
};

/** Somebody has to look at a source. At most one for each run. */
export type SourceAlert = {
  readonly kind: 'quarantine' | 'empty_snapshot';
  readonly merchantId: string;
  readonly sourceId: string;
  readonly runId: string;
  /** Items that wait for a decision since this run. */
  readonly quarantined: number;
};

/** What happens to sources, for logs, metrics and alerts. */
export type SourceEvents = {
  readonly onRun?: (event: RunEvent) => void;
  /** Items on quantities that the source does not own, by code. */
  readonly onRefused?: (event: {
    readonly merchantId: string;
    readonly sourceId: string;
    readonly code: string;
    readonly items: number;
  }) => void;
  readonly onAlert?: (alert: SourceAlert) => void;
};

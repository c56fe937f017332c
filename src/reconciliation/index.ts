export { beginRuns } from './begin-runs.ts';
export type { ChannelReader } from './channel-part.ts';
export { approvedChannels, checkApproved } from './check-approved.ts';
export type {
  DriftAlert,
  FinishedRun,
  ReconciliationContext,
  ReconciliationEvents,
  ReconciliationSettings,
} from './context.ts';
export { approveDrift, ignoreDrift } from './decide-drift.ts';
export { driftsAsCsv } from './drifts-csv.ts';
export { endRuns, endUnled, openParts } from './end-runs.ts';
export { getReconciliation, measureDrifts, pruneReconciliations } from './get-run.ts';
export type { OpenDrifts, PartView, ReconciliationView } from './get-run.ts';
export { listDrifts } from './list-drifts.ts';
export type { DriftView } from './list-drifts.ts';
export { recordDrifts, settleDrifts } from './record-drifts.ts';
export { requestReconciliation, scheduleReconciliations } from './request-run.ts';
export { settleSourceDrifts } from './settle-sources.ts';
export type { DriftStatus } from './tables.ts';
export { reconcileChannel, reconcileOther } from './work-parts.ts';

export { atsQuantities, availableToSell } from './ats.ts';
export type { AtsTerm, AtsView, AvailableToSell, TermState } from './ats.ts';
export { SourceMoved } from './apply-page.ts';
export type { SourcesContext, SourceSettings } from './context.ts';
export { countNames } from './counts.ts';
export type { RunEvent, SourceAlert, SourceEvents } from './events.ts';
export { listHeldItems } from './held-items.ts';
export type { HeldItemView } from './held-items.ts';
export { closeSourceKinds, createSourceKinds } from './kinds.ts';
export type { KindOptions } from './kinds.ts';
export { deleteSource, getSource, listSources } from './manage-source.ts';
export { createOnDemand } from './on-demand.ts';
export type { OnDemand, OnDemandOptions } from './on-demand.ts';
export { readOwnership } from './ownership.ts';
export type { Claim, Ownership } from './ownership.ts';
export { pushItems } from './push-items.ts';
export { pushSecretOf } from './push-secret.ts';
export { putSource } from './put-source.ts';
export type { PutSourceInput, PutSourceResult } from './put-source.ts';
export {
  approveQuarantine,
  countQuarantined,
  listQuarantine,
  refuseQuarantine,
} from './quarantine.ts';
export type { QuarantineView } from './quarantine.ts';
export { runSource } from './run-source.ts';
export { listRuns, pruneRuns } from './runs.ts';
export type { RunView } from './runs.ts';
export { itemSchema, reportedQuantities } from './source.ts';
export type { SourceItem, SourceKinds } from './source.ts';
export {
  dueSources,
  planOfDueSource,
  requestRun,
  startSync,
  stopSync,
  syncStatus,
} from './sync.ts';
export type { SyncStatus } from './sync.ts';
export type { Guards, RunCounts } from './tables.ts';
export type { SourceName } from './write-page.ts';
export type { SourceView } from './view-source.ts';

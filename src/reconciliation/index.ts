export { approveDrift, ignoreDrift } from './decide-drift.ts';
export { listDrifts } from './list-drifts.ts';
export type { DriftView } from './list-drifts.ts';
export { recordDrifts, settleDrifts } from './record-drifts.ts';
export type { DriftStatus } from './tables.ts';

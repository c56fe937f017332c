export { recordDrifts, settleDrifts } from './record-drifts.ts';
export type { DriftStatus } from './tables.ts';

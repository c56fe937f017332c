export { bossSchema } from './boss.ts';
export type { AttemptEvent, DeadEvent, DeliveryEvents } from './events.ts';
export { channelLabel, reportEvents } from './report-events.ts';
export { startJobs } from './start-jobs.ts';
export type { Jobs, JobsOptions } from './start-jobs.ts';
export { reportReconciliation } from './report-reconciliation.ts';

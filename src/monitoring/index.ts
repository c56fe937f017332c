export type { Gauges } from './gauges.ts';
export { createMetrics } from './metrics.ts';
export type { DeliveryOutcome, Metrics, RouteRecorder } from './metrics.ts';
export { readinessOf } from './readiness.ts';
export type { ReadinessCheck, ReadinessReport } from './readiness.ts';
export type { MetricsSummary } from './summary.ts';

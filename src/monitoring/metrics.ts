import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import type { BatchReport } from '../stock/index.ts';
import { GaugeReader, registerGauges, type Gauges } from './gauges.ts';
import type { RunCounts } from '../sources/index.ts';
import { summarize, type MetricsSummary } from './summary.ts';

export type DeliveryOutcome =
  'delivered' | 'suppressed' | 'accepted' | 'failed' | 'dead' | 'throttled' | 'waiting';

/** Notes one request of one route. */
export type RouteRecorder = (status: number, ms: number) => void;

/** What the program counts. One per app, so that tests and several apps do not share figures. */
export type Metrics = {
  /** Binds a route's counters once; the pattern is the label, never the path itself. */
  bindRoute(method: string, path: string): RouteRecorder;
  /** A request, or one of the mutations in one, that was refused. */
  countRefusal(code: string): void;
  /** An answer that was given again because its key was known. */
  countReplay(): void;
  recordBatch(report: BatchReport): void;
  countDelivery(channelId: string, outcome: DeliveryOutcome): void;
  /** A channel that showed another figure than it was told. */
  countDrift(channelId: string): void;
  /** @param lagMs from the change's record to the channel's acknowledgement */
  observeLag(channelId: string, lagMs: number): void;
  /** A run of a source has ended, with what became of its items. */
  countSourceRun(source: string, status: string, counts: RunCounts): void;
  /** Items on quantities that the source does not own. */
  countSourceRefusals(source: string, code: string, items: number): void;
  countSourceAlert(source: string, kind: string): void;
  /** A run of reconciliation has ended. */
  countReconciliation(
    outcome: 'complete' | 'incomplete',
    run: { readonly compared: number; readonly drifts: number },
  ): void;
  /** Drift of a channel or a source that waits for an approval. */
  countDriftAlert(place: string): void;
  /** Adds figures that are asked for when somebody looks. */
  watch(gauges: Gauges): void;
  readonly contentType: string;
  /** All figures in Prometheus' text format. */
  text(): Promise<string>;
  /** The system's figures for people and programs without Prometheus. */
  summary(): Promise<MetricsSummary>;
};

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const conflicts = new Set(['STOCK.VERSION_CONFLICT', 'STOCK.PRECONDITION_FAILED']);

/** Makes the metrics of one app. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const reader = new GaugeReader();
  collectDefaultMetrics({ register: registry });
  registerGauges(registry, reader);
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
    new Counter({ name, help, labelNames, registers });
  const refusals = counter('onhand_refusals_total', 'Refused requests and mutations by code.', [
    'code',
  ]);
  const conflictCount = counter('onhand_version_conflicts_total', 'Changes of another version.');
  const replays = counter('onhand_idempotency_replays_total', 'Answers that were given again.');
  const deliveries = counter('onhand_deliveries_total', 'Deliveries by channel and outcome.', [
    'channel',
    'outcome',
  ]);
  const drifts = counter('onhand_drifts_total', 'Figures that channels had changed.', ['channel']);
  const lag = new Histogram({
    name: 'onhand_sync_lag_seconds',
    help: 'From the record of a change to the acknowledgement of the channel.',
    labelNames: ['channel'],
    buckets: seconds,
    registers,
  });
  const recordBatch = batchMetrics(registry);
  return {
    ...sourceMetrics(registry),
    ...reconciliationMetrics(registry),
    bindRoute: routeMetrics(registry),
    countRefusal(code) {
      refusals.inc({ code });
      if (conflicts.has(code)) conflictCount.inc();
    },
    countReplay: () => replays.inc(),
    recordBatch,
    countDelivery: (channel, outcome) => deliveries.inc({ channel, outcome }),
    countDrift: (channel) => drifts.inc({ channel }),
    observeLag: (channel, lagMs) => lag.observe({ channel }, Math.max(lagMs, 0) / 1000),
    watch: (gauges) => reader.watch(gauges),
    contentType: registry.contentType,
    text: () => registry.metrics(),
    summary: () => summarize(registry, reader),
  };
}

/**
 * Requests by route and status class, and how long they took. The counters are plain numbers that
 * are handed over when somebody scrapes: prom-client builds a label string for each increment.
 */
function routeMetrics(registry: Registry): Metrics['bindRoute'] {
  const routes: { labels: { method: string; route: string }; byClass: number[] }[] = [];
  const duration = new Histogram({
    name: 'onhand_http_request_seconds',
    help: 'How long requests took, by route.',
    labelNames: ['method', 'route'],
    buckets: seconds,
    registers: [registry],
  });
  // oxlint-disable-next-line no-new -- the registry holds it
  new Counter({
    name: 'onhand_http_requests_total',
    help: 'Requests by route and class of status.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, byClass } of routes) {
        for (const [digit, count] of byClass.entries()) {
          if (count > 0) this.inc({ ...labels, status: `${digit}xx` }, count);
        }
      }
    },
  });
  return (method, path) => {
    const labels = { method: method.toUpperCase(), route: path };
    const byClass = [0, 0, 0, 0, 0, 0];
    routes.push({ labels, byClass });
    const timed = duration.labels(labels);
    return (status, ms) => {
      const digit = Math.trunc(status / 100);
      byClass[digit] = (byClass[digit] ?? 0) + 1;
      timed.observe(ms / 1000);
    };
  };
}

/** Runs of reconciliation and what they find. */
function reconciliationMetrics(
  registry: Registry,
): Pick<Metrics, 'countReconciliation' | 'countDriftAlert'> {
  const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
    new Counter({ name, help, labelNames, registers: [registry] });
  const runs = counter('onhand_reconciliations_total', 'Runs by outcome.', ['outcome']);
  const compared = counter('onhand_reconciliation_compared_total', 'Figures that were compared.');
  const found = counter('onhand_reconciliation_drifts_total', 'Drifts that runs found.');
  const alerts = counter('onhand_drift_alerts_total', 'Runs with drift that waits.', ['place']);
  return {
    countReconciliation(outcome, run) {
      runs.inc({ outcome });
      compared.inc(run.compared);
      found.inc(run.drifts);
    },
    countDriftAlert: (place) => alerts.inc({ place }),
  };
}

/** Runs of sources and their items. */
function sourceMetrics(
  registry: Registry,
): Pick<Metrics, 'countSourceRun' | 'countSourceRefusals' | 'countSourceAlert'> {
  const counter = (name: string, help: string, labelNames: string[]): Counter =>
    new Counter({ name, help, labelNames: ['source', ...labelNames], registers: [registry] });
  const runs = counter('onhand_source_runs_total', 'Runs of sources by status.', ['status']);
  const items = counter('onhand_source_items_total', 'Items by what became of them.', ['outcome']);
  const refused = counter('onhand_source_refusals_total', 'Items of other owners by code.', [
    'code',
  ]);
  const alerts = counter('onhand_source_alerts_total', 'Runs that somebody has to look at.', [
    'kind',
  ]);
  return {
    countSourceRun(source, status, counts) {
      runs.inc({ source, status });
      for (const outcome of outcomes) items.inc({ source, outcome }, counts[outcome]);
    },
    countSourceRefusals: (source, code, count) => refused.inc({ source, code }, count),
    countSourceAlert: (source, kind) => alerts.inc({ source, kind }),
  };
}

const outcomes = [
  'read',
  'applied',
  'unchanged',
  'stale',
  'refused',
  'held',
  'quarantined',
] as const satisfies readonly (keyof RunCounts)[];

/** What makes a request wait: how many commands a batch had, and where its time went. */
function batchMetrics(registry: Registry): Metrics['recordBatch'] {
  const histogram = (name: string, help: string, buckets: number[]): Histogram =>
    new Histogram({ name, help, buckets, registers: [registry] });
  const size = histogram(
    'onhand_batch_commands',
    'Commands in a batch of the writer.',
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000],
  );
  const queued = histogram('onhand_batch_queue_seconds', 'The oldest command waited.', seconds);
  const read = histogram('onhand_batch_read_seconds', 'Reading took.', seconds);
  const commit = histogram('onhand_batch_commit_seconds', 'Deciding and committing took.', seconds);
  const attempts = histogram(
    'onhand_batch_attempts',
    'Attempts until it was committed.',
    [1, 2, 3, 4, 5],
  );
  return (report) => {
    size.observe(report.commands);
    queued.observe(report.queuedMs / 1000);
    read.observe(report.readMs / 1000);
    commit.observe(report.commitMs / 1000);
    attempts.observe(report.attempts);
  };
}

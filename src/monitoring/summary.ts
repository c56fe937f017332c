import type { Registry } from 'prom-client';
import type { ChannelFigures, GaugeReader } from './gauges.ts';

type Distribution = {
  readonly count: number;
  readonly p50: number | null;
  readonly p99: number | null;
};

/** The system's figures as JSON. Figures that nobody knows at the moment are null. */
export type MetricsSummary = {
  readonly requests: {
    readonly total: number;
    readonly byStatus: Readonly<Record<string, number>>;
    readonly byRoute: Readonly<Record<string, number>>;
  };
  readonly refusals: Readonly<Record<string, number>>;
  readonly conflicts: number;
  readonly idempotencyHits: number;
  readonly batches: {
    readonly count: number;
    readonly commands: Distribution;
    readonly queuedMs: Distribution;
    readonly commitMs: Distribution;
    readonly attempts: Distribution;
  };
  readonly queues: {
    readonly writer: number | null;
    readonly outbox: number | null;
    readonly deadLetters: number | null;
  };
  readonly oversoldLevels: number | null;
  /** What became of the items of each source. */
  readonly sources: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly quarantinedItems: number | null;
  readonly deliveries: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly lag: Readonly<Record<string, Distribution>>;
  readonly breakers: Readonly<Record<string, string>>;
  readonly channels: Readonly<Record<string, ChannelFigures>>;
  readonly bulkheads: Readonly<Record<string, { running: number; waiting: number }>>;
};

type Sample = { value: number; labels: Record<string, string | number>; metricName?: string };

/** Puts the figures of a registry into words. Distributions of time are in ms. */
export async function summarize(registry: Registry, reader: GaugeReader): Promise<MetricsSummary> {
  const samples = async (name: string): Promise<Sample[]> => {
    const metric = await registry.getSingleMetric(name)?.get();
    return (metric?.values ?? []) as Sample[];
  };
  const requests = await samples('onhand_http_requests_total');
  const lag = await samples('onhand_sync_lag_seconds');
  const channels = [...new Set(lag.map(({ labels }) => String(labels['channel'])))];
  const commands = await samples('onhand_batch_commands');
  const queue = async (name: 'writerQueue' | 'outboxDepth' | 'deadLetters' | 'oversoldLevels') =>
    (await reader.read(name)) ?? null;
  return {
    requests: {
      total: requests.reduce((sum, { value }) => sum + value, 0),
      byStatus: sumBy(requests, ({ labels }) => String(labels['status'])),
      byRoute: sumBy(requests, ({ labels }) => `${labels['method']} ${labels['route']}`),
    },
    refusals: sumBy(await samples('onhand_refusals_total'), ({ labels }) => String(labels['code'])),
    conflicts: totalOf(await samples('onhand_version_conflicts_total')),
    idempotencyHits: totalOf(await samples('onhand_idempotency_replays_total')),
    batches: {
      count: distributionOf(commands, 1).count,
      commands: distributionOf(commands, 1),
      queuedMs: distributionOf(await samples('onhand_batch_queue_seconds'), 1000),
      commitMs: distributionOf(await samples('onhand_batch_commit_seconds'), 1000),
      attempts: distributionOf(await samples('onhand_batch_attempts'), 1),
    },
    queues: {
      writer: await queue('writerQueue'),
      outbox: await queue('outboxDepth'),
      deadLetters: await queue('deadLetters'),
    },
    oversoldLevels: await queue('oversoldLevels'),
    sources: outcomesBy('source', await samples('onhand_source_items_total')),
    quarantinedItems: (await reader.read('quarantinedItems')) ?? null,
    deliveries: outcomesBy('channel', await samples('onhand_deliveries_total')),
    lag: Object.fromEntries(
      channels.map((channel) => [
        channel,
        distributionOf(
          lag.filter(({ labels }) => labels['channel'] === channel),
          1000,
        ),
      ]),
    ),
    breakers: reader.sources.breakers?.() ?? {},
    channels: reader.sources.channels?.() ?? {},
    bulkheads: reader.sources.bulkheads?.() ?? {},
  };
}

function totalOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { value }) => sum + value, 0);
}

function sumBy(
  samples: readonly Sample[],
  name: (sample: Sample) => string,
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const sample of samples) sums[name(sample)] = (sums[name(sample)] ?? 0) + sample.value;
  return sums;
}

function outcomesBy(
  label: 'channel' | 'source',
  samples: readonly Sample[],
): Record<string, Record<string, number>> {
  const byName: Record<string, Record<string, number>> = {};
  for (const { labels, value } of samples) {
    const outcomes = (byName[String(labels[label])] ??= {});
    outcomes[String(labels['outcome'])] = value;
  }
  return byName;
}

/** A histogram's quantiles, each as the upper bound of the bucket it falls into. */
function distributionOf(samples: readonly Sample[], factor: number): Distribution {
  const buckets = samples.filter(({ labels }) => labels['le'] !== undefined);
  const count = buckets.find(({ labels }) => labels['le'] === '+Inf')?.value ?? 0;
  const quantile = (share: number): number | null => {
    if (count === 0) return null;
    const bucket = buckets.find(({ value }) => value >= count * share);
    const bound = Number(bucket?.labels['le']);
    // Beyond the last bucket nobody knows; the last bound is the least it can be.
    const last = Number(buckets.at(-2)?.labels['le'] ?? 0);
    return (Number.isFinite(bound) ? bound : last) * factor;
  };
  return { count, p50: quantile(0.5), p99: quantile(0.99) };
}

import { Gauge, type Registry } from 'prom-client';

/** How a channel does: what is measured of it, and what else the summary shows. */
export type ChannelFigures = {
  readonly [other: string]: unknown;
  readonly circuit: string;
  readonly calls: { readonly running: number; readonly waiting: number };
  readonly waitMs: number;
  readonly queueDepth: number;
  readonly lagMs: number;
};

/** Figures that are asked for and not counted. Each may cost one cheap query when it is asked. */
export type Gauges = {
  /** Commands that wait for the writer's next batch. */
  readonly writerQueue?: () => number;
  readonly pool?: () => { readonly total: number; readonly idle: number; readonly waiting: number };
  readonly outboxDepth?: () => Promise<number>;
  readonly deadLetters?: () => Promise<number>;
  readonly oversoldLevels?: () => Promise<number>;
  /** Reports of sources that wait for a decision. */
  readonly quarantinedItems?: () => Promise<number>;
  /** Webhooks that are stored and not worked yet. */
  readonly waitingWebhooks?: () => Promise<number>;
  /** Since when the oldest of them waits, in seconds. */
  readonly oldestWebhookSeconds?: () => Promise<number>;
  /** Webhooks that wait for a person. */
  readonly poisonWebhooks?: () => Promise<number>;
  /** Lines of orders of which nobody knows the level. */
  readonly openQuestions?: () => Promise<number>;
  /** What reconciliation leaves open. */
  readonly drift?: () => Promise<OpenDrift>;
  /** Circuit breakers by channel: `closed`, `open` or `half-open`. */
  readonly breakers?: () => Readonly<Record<string, string>>;
  /** How the channels do that this process leads, by channel. */
  readonly channels?: () => Readonly<Record<string, ChannelFigures>>;
  /** Bulkheads by name: how much of each is taken. */
  readonly bulkheads?: () => Readonly<Record<string, { running: number; waiting: number }>>;
};

/** Drift that is not settled, and when the last reconciliation ended, in seconds since 1970. */
export type OpenDrift = {
  readonly pending: number;
  readonly units: number;
  readonly lastRunAt: number | undefined;
};

/** How long a figure that costs a query is good for: scrapes and pages share it. */
const keptMs: Readonly<Record<Figure, number>> = {
  writerQueue: 0,
  outboxDepth: 5_000,
  deadLetters: 5_000,
  quarantinedItems: 5_000,
  waitingWebhooks: 5_000,
  oldestWebhookSeconds: 5_000,
  poisonWebhooks: 5_000,
  openQuestions: 5_000,
  // Reads every level.
  oversoldLevels: 30_000,
};

const keptDriftMs = 5_000;

type Figure = Exclude<keyof Gauges, 'pool' | 'drift' | 'breakers' | 'channels' | 'bulkheads'>;

/** Reads gauges, each query at most once in a while, and none while the database is away. */
export class GaugeReader {
  #gauges: Gauges = {};
  readonly #kept = new Map<Figure, { at: number; value: Promise<number | undefined> }>();
  #drift: { readonly at: number; readonly value: Promise<OpenDrift | undefined> } | undefined;

  /** Adds what there is to ask; what is not given stays as it was. */
  watch(gauges: Gauges): void {
    this.#gauges = { ...this.#gauges, ...gauges };
  }

  get sources(): Gauges {
    return this.#gauges;
  }

  /** What is known of drift; undefined where nobody knows at the moment. */
  readDrift(): Promise<OpenDrift | undefined> {
    const now = performance.now();
    if (this.#drift !== undefined && now - this.#drift.at < keptDriftMs) return this.#drift.value;
    const asked = this.#gauges.drift?.() ?? Promise.resolve(undefined);
    const value = asked.catch(() => undefined);
    this.#drift = { at: now, value };
    return value;
  }

  /** A figure, or undefined where nobody knows it at the moment. */
  read(name: Figure): Promise<number | undefined> {
    const source = this.#gauges[name];
    if (source === undefined) return Promise.resolve(undefined);
    if (name === 'writerQueue') return Promise.resolve(source());
    const now = performance.now();
    const kept = this.#kept.get(name);
    if (kept !== undefined && now - kept.at < keptMs[name]) return kept.value;
    // Figures are a courtesy: a scrape must not fail because the database is away.
    const value = Promise.resolve(source()).catch(() => undefined);
    this.#kept.set(name, { at: now, value });
    return value;
  }
}

/** Registers the gauges; each is collected when it is scraped. */
export function registerGauges(registry: Registry, reader: GaugeReader): void {
  const figure = (figureName: Figure, name: string, help: string): void => {
    // oxlint-disable-next-line no-new -- the registry holds it
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const value = await reader.read(figureName);
        if (value === undefined) this.reset();
        else this.set(value);
      },
    });
  };
  figure('writerQueue', 'onhand_writer_queue', 'Commands that wait for the next batch.');
  figure('outboxDepth', 'onhand_outbox_messages', 'Outbox messages not yet taken by the relay.');
  figure('deadLetters', 'onhand_dead_letters', 'Deliveries whose attempts are spent.');
  figure('quarantinedItems', 'onhand_quarantined_items', 'Reports that wait for a decision.');
  figure('waitingWebhooks', 'onhand_inbox_waiting', 'Webhooks stored and not worked yet.');
  figure('oldestWebhookSeconds', 'onhand_inbox_oldest_seconds', 'How long the oldest waits.');
  figure('poisonWebhooks', 'onhand_inbox_poison', 'Webhooks that wait for a person.');
  figure('openQuestions', 'onhand_open_questions', 'Order lines whose level nobody knows.');
  figure('oversoldLevels', 'onhand_oversold_levels', 'Levels whose available is below zero.');
  registerDrift(registry, reader);
  registerChannels(registry, reader);
  // oxlint-disable-next-line no-new -- the registry holds it
  new Gauge({
    name: 'onhand_pool_connections',
    help: 'Database connections of the pool for reads, and callers that wait for one.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const usage = reader.sources.pool?.();
      if (usage === undefined) return;
      this.set({ state: 'busy' }, usage.total - usage.idle);
      this.set({ state: 'idle' }, usage.idle);
      this.set({ state: 'waiting' }, usage.waiting);
    },
  });
}

/** Drift that is open, and when the last run ended. */
function registerDrift(registry: Registry, reader: GaugeReader): void {
  const figure = (
    name: string,
    help: string,
    read: (drift: OpenDrift) => number | undefined,
  ): void => {
    // oxlint-disable-next-line no-new -- the registry holds it
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const drift = await reader.readDrift();
        const value = drift === undefined ? undefined : read(drift);
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  };
  figure('onhand_drift_units', 'Units of drift that is not settled.', ({ units }) => units);
  figure('onhand_drifts_pending', 'Drifts that wait for an approval.', ({ pending }) => pending);
  figure(
    'onhand_reconciliation_last_run_timestamp_seconds',
    'When the last reconciliation ended.',
    ({ lastRunAt }) => lastRunAt,
  );
}

/** One gauge for each figure of the channels that this process leads. */
function registerChannels(registry: Registry, reader: GaugeReader): void {
  const figure = (
    name: string,
    help: string,
    read: (figures: ChannelFigures) => number | undefined,
  ): void => {
    // oxlint-disable-next-line no-new -- the registry holds it
    new Gauge({
      name,
      help,
      labelNames: ['channel'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [channel, figures] of Object.entries(reader.sources.channels?.() ?? {})) {
          const value = read(figures);
          if (value !== undefined) this.set({ channel }, value);
        }
      },
    });
  };
  const states = ['closed', 'half-open', 'open'];
  figure(
    'onhand_channel_circuit',
    'Circuit of a channel: 0 closed, 1 half-open, 2 open.',
    ({ circuit }) => states.indexOf(circuit),
  );
  figure('onhand_channel_calls', 'Calls under way.', ({ calls }) => calls.running);
  figure('onhand_channel_calls_waiting', 'Calls that wait.', ({ calls }) => calls.waiting);
  figure('onhand_channel_blocked_seconds', 'No call for so long.', (f) => f.waitMs / 1000);
  figure('onhand_channel_jobs', 'Delivery jobs that are not done.', (f) => f.queueDepth);
  figure('onhand_channel_lag_seconds', 'Wait of the oldest due job.', (f) => f.lagMs / 1000);
}

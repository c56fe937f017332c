import { randomUUID } from 'node:crypto';
import type { Adapters, ChannelState, RetrySettings } from '../channels/index.ts';
import type { Clock } from '../clock.ts';
import { openDatabase } from '../db/index.ts';
import type { SecretBox } from '../encryption.ts';
import type { InboxContext } from '../inbox/index.ts';
import type { Logger } from '../logger.ts';
import type { BuffersContext } from '../safety-stock/index.ts';
import type {
  ReconciliationContext,
  ReconciliationEvents,
  ReconciliationSettings,
} from '../reconciliation/index.ts';
import type { SourcesContext } from '../sources/index.ts';
import { bossSchema, startBoss } from './boss.ts';
import type { BreakerSettings } from './circuit.ts';
import { ChannelLeads } from './channel-leads.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import type { DeliveryEvents } from './events.ts';
import { startHousekeeping, startPromptExpiry } from './housekeeping.ts';
import { startInboxLoop } from './inbox-loop.ts';
import { startReconciliationLoop } from './reconciliation-loop.ts';
import { RelayLoop } from './relay-loop.ts';
import { createRelay } from './relay.ts';
import { startBufferRuns } from './buffer-runs.ts';
import { openRounds } from './rounds-database.ts';
import { startSourceRuns } from './source-runs.ts';

export type JobsOptions = {
  /** What working the inbox needs; absent: nobody does. */
  readonly inbox?: InboxContext;
  readonly connectionString: string;
  readonly adapters: Adapters;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly retry: RetrySettings;
  readonly events?: DeliveryEvents;
  /** False: this process only serves; pg-boss's schema is made all the same. */
  readonly workers: boolean;
  /** Ends reservations whose time is over; cheap when there are none. Absent: nobody does. */
  readonly expireReservations?: () => Promise<number>;
  /** Absent: sources are not read. */
  readonly sources?: SourcesContext;
  /** Absent: safety stock is not looked after. */
  readonly buffers?: BuffersContext;
  /** Sources that this process reads at once; 4 by default. */
  readonly sourceConcurrency?: number;
  /** Absent: nothing is reconciled. */
  readonly reconciliation?: ReconciliationOptions;
  /** Between two looks for listings that lag with nobody working on them; 10 s by default. */
  readonly sweepMs?: number;
  /** Whether this process has more commands to commit than it can; absent: never. */
  readonly isBusy?: () => boolean;
  /** An operation that is accepted and not known after so long is sent again; 2 h by default. */
  readonly acceptedMaxMs?: number;
  /** When a channel's circuit opens, and for how long; a half and 30 s by default. */
  readonly breaker?: BreakerSettings;
  /** How long changes are collected for one call, where a channel does not say; 0 by default. */
  readonly batchWindowMs?: number;
  /** Bring channels up to date so often instead of after each change; null by default. */
  readonly pollIntervalMs?: number | null;
  /** A channel that is behind for longer than this lags; 2 s by default. */
  readonly lagAlertMs?: number;
};

export type ReconciliationOptions = ReconciliationSettings & {
  /** When everything is held against everything, as cron says it, by UTC. */
  readonly schedule: string;
  readonly events?: ReconciliationEvents;
  /** Between the two looks at what a channel shows otherwise; 5 s by default. */
  readonly confirmMs?: number;
  /** Between two looks for runs and for what is to be settled; 1 s by default. */
  readonly lookMs?: number;
  /** How long a run waits for what it settles; 2 min by default. */
  readonly settleMs?: number;
};

/** The work behind the requests, as the rest of the program sees it. */
export type Jobs = {
  /** Where pg-boss keeps its tables. */
  readonly schema: string;
  /** Something was committed: the outbox is read at once. For the writer's `onCommitted`. */
  wakeRelay(): void;
  /** A channel was made, changed or resumed, or a redrive or republish was asked for. */
  wakeChannels(): void;
  /** A source was made or changed, or a run was asked for. */
  wakeSources(): void;
  /** A rule of safety stock was changed. */
  wakeBuffers(): void;
  /** A webhook of a channel was stored. */
  wakeInbox(): void;
  /** A run of reconciliation was asked for, or a drift approved. */
  wakeReconciliation(): void;
  /** Whether pg-boss runs and the outbox could be read lately. */
  isReady(): boolean;
  /** How the channels do that this process leads, by channel. */
  states(): Readonly<Record<string, ChannelState>>;
  /** Circuits of the channels this process leads, by channel. */
  circuits(): Readonly<Record<string, string>>;
  /** Calls under way and waiting, by channel. */
  bulkheads(): Readonly<Record<string, { running: number; waiting: number }>>;
  /** Lets calls in flight end, gives back the rest, and releases the channels. */
  stop(timeoutMs: number): Promise<void>;
  /** Ends as a kill would: nothing is given back or released. For tests. */
  abandon(): Promise<void>;
};

const defaultBreaker: BreakerSettings = { threshold: 0.5, cooldownMs: 30_000 };

/** Starts the relay, the delivery to channels, and what comes round by the clock. */
export async function startJobs(options: JobsOptions): Promise<Jobs> {
  const { connectionString, logger } = options;
  const boss = await startBoss(connectionString, logger, options.workers);
  if (!options.workers) {
    // The schema is there for the dashboard; the work is done elsewhere.
    await boss.stop({ graceful: false });
    return idleJobs;
  }
  const database = openDatabase({
    connectionString,
    poolSize: 5,
    applicationName: 'onhand workers',
    onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke'),
    sessionSettings: { idle_in_transaction_session_timeout: '30000', jit: 'off' },
  });
  const { db } = database;
  const rounds = openRounds(connectionString, logger);
  const { adapters, retry, clock, secretBox, events = {} } = options;
  const queue = new DeliveryQueue(boss, retry);
  const leads = new ChannelLeads(
    {
      db,
      rounds,
      queue,
      adapters,
      secretBox,
      clock,
      logger,
      retry,
      events,
      sweepMs: options.sweepMs ?? 10_000,
      isBusy: options.isBusy ?? (() => false),
      acceptedMaxMs: options.acceptedMaxMs ?? 7_200_000,
      breaker: options.breaker ?? defaultBreaker,
      batchWindowMs: options.batchWindowMs ?? 0,
      pollIntervalMs: options.pollIntervalMs ?? null,
      lagAlertMs: options.lagAlertMs ?? 2_000,
    },
    randomUUID(),
  );
  const relay = new RelayLoop(
    createRelay({ db, pool: rounds.pool }, queue, adapters),
    ({ messages, jobs }) => {
      leads.wake(new Set(jobs.map((job) => job.queue)));
      events.onRelayed?.({ messages, jobs: jobs.length });
    },
    logger,
  );
  const { expireReservations } = options;
  const { sources } = options;
  const concurrency = options.sourceConcurrency ?? 4;
  const sourceRuns =
    sources === undefined
      ? undefined
      : await startSourceRuns({ boss, connectionString, sources, logger, concurrency });
  const { buffers } = options;
  const bufferRuns =
    buffers && (await startBufferRuns({ boss, connectionString, buffers, logger }));
  const inboxLoop = options.inbox && startInboxLoop(options.inbox, logger);
  const { schedule: reconciliationCron } = options.reconciliation ?? {};
  const chores = { db, boss, queue, clock, logger, expireReservations, reconciliationCron };
  relay.start();
  leads.start();
  const reconciliation =
    options.reconciliation === undefined || sources === undefined
      ? undefined
      : startReconciliationLoop({
          connectionString,
          context: contextOf(options.reconciliation, { adapters, sources }),
          leads,
          logger,
          lookMs: options.reconciliation.lookMs ?? 1_000,
        });
  const expiry = startPromptExpiry(chores);
  await startHousekeeping(chores);
  let isRunning = true;
  const end = async (): Promise<void> => {
    isRunning = false;
    const runs = [sourceRuns?.stop(), bufferRuns?.stop(), reconciliation?.stop()];
    await Promise.all([relay.stop(), expiry.stop(), inboxLoop?.stop(), ...runs]);
  };
  return {
    schema: bossSchema,
    wakeRelay: () => relay.wake(),
    wakeChannels: () => leads.hurry(),
    wakeSources: () => sourceRuns?.wake(),
    wakeBuffers: () => bufferRuns?.wake(),
    wakeInbox: () => inboxLoop?.wake(),
    wakeReconciliation: () => reconciliation?.wake(),
    isReady: () => isRunning && relay.isAlive,
    states: () => byChannel(leads, (worker) => worker.state),
    circuits: () => byChannel(leads, ({ gate }) => gate.state),
    bulkheads: () => byChannel(leads, ({ gate }) => gate.load),
    async stop(timeoutMs) {
      await end();
      await leads.stop(timeoutMs);
      await boss.stop({ graceful: true, timeout: Math.max(timeoutMs, 1_000) });
      await Promise.all([database.close(), rounds.pool.end()]);
    },
    async abandon() {
      await Promise.all([end(), leads.abandon()]);
      await boss.stop({ graceful: false });
      await Promise.all([database.close(), rounds.pool.end()]);
    },
  };
}

const idleJobs: Jobs = {
  schema: bossSchema,
  wakeRelay: () => undefined,
  wakeChannels: () => undefined,
  wakeSources: () => undefined,
  wakeBuffers: () => undefined,
  wakeInbox: () => undefined,
  wakeReconciliation: () => undefined,
  isReady: () => true,
  states: () => ({}),
  circuits: () => ({}),
  bulkheads: () => ({}),
  stop: () => Promise.resolve(),
  abandon: () => Promise.resolve(),
};

function contextOf(
  { events = {}, confirmMs = 5_000, settleMs = 120_000, ...settings }: ReconciliationOptions,
  parts: Pick<ReconciliationContext, 'adapters' | 'sources'>,
): Omit<ReconciliationContext, 'db'> {
  return { ...parts, settings, events, confirmMs, settleMs };
}

function byChannel<T>(
  leads: ChannelLeads,
  read: (worker: ChannelLeads['workers'][number]) => T,
): Record<string, T> {
  return Object.fromEntries(
    leads.workers.map((worker) => [
      `${worker.channel.merchant_id}/${worker.channel.channel_id}`,
      read(worker),
    ]),
  );
}

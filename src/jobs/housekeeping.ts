import type { PgBoss } from 'pg-boss';
import { listQueues, pruneDeliveries } from '../channels/index.ts';
import type { Clock } from '../clock.ts';
import type { Db } from '../db/index.ts';
import { deleteExpiredKeys } from '../idempotency/index.ts';
import { pruneInbox } from '../inbox/index.ts';
import type { Logger } from '../logger.ts';
import { listMerchants } from '../merchants/index.ts';
import { pruneReconciliations, scheduleReconciliations } from '../reconciliation/index.ts';
import { pruneRuns } from '../sources/index.ts';
import { makeLedgerPartitions, snapshotLevels } from '../stock/index.ts';
import type { DeliveryQueue } from './delivery-queue.ts';

const page = 5_000;
const keepDeliveriesDays = 7;
const keepRunsDays = 30;
const keepWebhooksDays = 7;
const keepReconciliationsDays = 90;

export type HousekeepingContext = {
  readonly db: Db;
  readonly boss: PgBoss;
  readonly queue: DeliveryQueue;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends reservations whose time is over and returns how many; absent: nobody wants them ended. */
  readonly expireReservations?: (() => Promise<number>) | undefined;
  /** When everything is reconciled; absent: by nobody's clock. */
  readonly reconciliationCron?: string | undefined;
};

type Chore = {
  readonly name: string;
  readonly cron: string;
  readonly run: () => Promise<unknown>;
};

/** Work that comes round by the clock, each a pg-boss queue with a schedule of its own. */
function choresOf(context: HousekeepingContext): readonly Chore[] {
  const { db, queue, clock, expireReservations, reconciliationCron } = context;
  return [
    ...(reconciliationCron === undefined
      ? []
      : [{ name: 'reconciliation.begin', cron: reconciliationCron, run: () => scheduleAll(db) }]),
    ...(expireReservations === undefined
      ? []
      : [{ name: 'reservations.expire', cron: '* * * * *', run: expireReservations }]),
    {
      name: 'idempotency-keys.expire',
      cron: '* * * * *',
      run: () => untilEmpty(() => deleteExpiredKeys(db, page, clock.offsetMs)),
    },
    {
      name: 'deliveries.prune',
      cron: '*/10 * * * *',
      run: () => untilEmpty(() => pruneDeliveries(db, keepDeliveriesDays, page)),
    },
    {
      name: 'ledger.partitions',
      cron: '5 * * * *',
      run: () => makeLedgerPartitions(db, clock.offsetMs),
    },
    {
      name: 'stock.snapshot',
      cron: '30 1 * * *',
      run: () => untilEmpty(() => snapshotLevels(db, page)),
    },
    {
      name: 'inbox.prune',
      cron: '*/10 * * * *',
      run: () => untilEmpty(() => pruneInbox(db, keepWebhooksDays, page)),
    },
    {
      name: 'sources.prune',
      cron: '*/10 * * * *',
      run: () => untilEmpty(() => pruneRuns(db, keepRunsDays, page)),
    },
    {
      name: 'reconciliation.prune',
      cron: '*/10 * * * *',
      run: () => untilEmpty(() => pruneReconciliations(db, keepReconciliationsDays, page)),
    },
    {
      name: 'channels.tidy',
      cron: '*/10 * * * *',
      run: async () => queue.deleteAbandoned(() => listQueues(db)),
    },
  ];
}

/** Schedules the chores and works them; of several processes one does each at a time. */
export async function startHousekeeping(context: HousekeepingContext): Promise<void> {
  const { boss, logger } = context;
  for (const { name, cron, run } of choresOf(context)) {
    await boss.createQueue(name, {
      policy: 'exclusive',
      retryLimit: 0,
      deleteAfterSeconds: 3_600,
    });
    await boss.schedule(name, cron);
    await boss.work(name, { pollingIntervalSeconds: 10 }, async () => {
      const done = await run();
      if (typeof done === 'number' && done > 0) logger.info({ chore: name, done }, 'a chore ran');
    });
  }
}

/** Asks for a run of every merchant. */
async function scheduleAll(db: Db): Promise<number> {
  let after: string | undefined;
  let asked = 0;
  do {
    const { items, next } = await listMerchants(db, { after, limit: page });
    asked += await scheduleReconciliations(
      db,
      items.map(({ merchantId }) => merchantId),
    );
    after = next;
  } while (after !== undefined);
  return asked;
}

async function untilEmpty(remove: () => Promise<number>): Promise<number> {
  let total = 0;
  for (;;) {
    const removed = await remove();
    total += removed;
    if (removed < page) return total;
  }
}

/**
 * Ends reservations soon after their time, and not only when the schedule comes round. They count
 * as free from the first moment on; this is what tells the channels.
 */
export function startPromptExpiry(context: HousekeepingContext): { stop(): Promise<void> } {
  const { expireReservations, logger } = context;
  if (expireReservations === undefined) return { stop: () => Promise.resolve() };
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= expireReservations()
      .then(() => undefined)
      .catch((error: unknown) => {
        logger.warn({ err: error }, 'reservations could not be ended; the next round tries again');
      })
      .finally(() => {
        running = undefined;
      });
  }, 1_000);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}

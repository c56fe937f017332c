import { setTimeout } from 'node:timers/promises';
import { bulkhead } from 'cockatiel';
import { openDatabase } from '../db/index.ts';
import {
  approvedChannels,
  beginRuns,
  checkApproved,
  endRuns,
  endUnled,
  openParts,
  reconcileChannel,
  reconcileOther,
  settleSourceDrifts,
  type ChannelReader,
  type ReconciliationContext,
} from '../reconciliation/index.ts';
import type { Logger } from '../logger.ts';
import type { ChannelLeads } from './channel-leads.ts';
import type { ChannelWorker } from './channel-worker.ts';
import { Signal } from './signal.ts';

const afterFaultMs = 2_000;
/** Sources and ledgers that this process goes through at once, the others wait for their turn. */
const partsAtOnce = 4;

export type ReconciliationLoopOptions = {
  readonly connectionString: string;
  readonly context: Omit<ReconciliationContext, 'db'>;
  readonly leads: ChannelLeads;
  readonly logger: Logger;
  /** Between two looks for runs and for what is to be settled, in ms. */
  readonly lookMs: number;
};

export type ReconciliationLoop = {
  /** A run was asked for, or a drift approved: looks at once. */
  wake(): void;
  /** Lets what is under way end with the step it is at. */
  stop(): Promise<void>;
};

/**
 * Works the runs of reconciliation. Their rows are the record and not a job: every process looks.
 * Whoever leads a channel reads it, within its rate and its circuit; a source is read by whoever
 * holds the part's lock. Both end with the process, and the next one goes on at the step that was
 * committed last. Its connections are its own: deliveries and leases never wait for one of them.
 */
export function startReconciliationLoop(options: ReconciliationLoopOptions): ReconciliationLoop {
  const { connectionString, leads, logger, lookMs } = options;
  const database = openDatabase({
    connectionString,
    // A part holds one for its lock, and another for a long query or the lock of a source's run.
    poolSize: 2 * partsAtOnce + 1,
    applicationName: 'onhand reconciliation',
    onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke'),
    sessionSettings: { idle_in_transaction_session_timeout: '30000', jit: 'off' },
  });
  const { db } = database;
  const sources = { ...options.context.sources, db };
  const context: ReconciliationContext = { ...options.context, db, sources };
  const places = bulkhead(partsAtOnce, Number.POSITIVE_INFINITY);
  const signal = new Signal();
  const ending = new AbortController();
  /** By what is worked: one of each at a time in this process. */
  const working = new Map<string, Promise<void>>();
  /** @param work says whether it did anything: then there may be more to do at once */
  const begin = (id: string, work: () => Promise<boolean>): void => {
    if (working.has(id)) return;
    const worked = work()
      .catch(async (error: unknown) => {
        logger.warn({ err: error, part: id }, 'a part of a reconciliation was interrupted');
        await setTimeout(afterFaultMs, undefined, { signal: ending.signal }).catch(() => undefined);
        return false;
      })
      .then((hasWorked) => {
        working.delete(id);
        if (hasWorked) signal.notify();
      });
    working.set(id, worked);
  };
  const look = async (): Promise<void> => {
    await beginRuns(context);
    const workers = new Map(leads.workers.map((worker) => [idOf(readerOf(worker)), worker]));
    for (const part of await openParts(context.db)) {
      const { merchant_id: merchantId, channel_id: channelId, part_id: partId } = part;
      const id = JSON.stringify([merchantId, part.reconciliation_id, partId]);
      if (channelId === null) {
        const work = () => reconcileOther(context, part, ending.signal);
        begin(id, () => places.execute(async () => !ending.signal.aborted && (await work())));
      } else {
        const worker = workers.get(idOf({ merchantId, channelId }));
        if (worker === undefined) await endUnled(context, part);
        else begin(id, () => workChannel(context, worker, part, ending.signal));
      }
    }
    for (const channel of await approvedChannels(context.db)) {
      const worker = workers.get(idOf(channel));
      if (worker !== undefined) begin(`approved ${idOf(channel)}`, () => check(context, worker));
    }
    begin('settle', async () => (await settleSourceDrifts(context)) > 0);
    await endRuns(context);
  };
  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      try {
        await look();
      } catch (error) {
        logger.warn({ err: error }, 'reconciliation could not go on; it is tried again');
      }
      await signal.wait(lookMs);
    }
  };
  const running = run();
  return {
    wake: () => signal.notify(),
    async stop() {
      ending.abort();
      signal.notify();
      await running;
      await Promise.all(working.values());
      await database.close();
    },
  };
}

async function workChannel(
  context: ReconciliationContext,
  worker: ChannelWorker,
  part: Awaited<ReturnType<typeof openParts>>[number],
  signal: AbortSignal,
): Promise<boolean> {
  const stopped = new AbortController();
  const timer = setInterval(() => {
    if (worker.isStopping) stopped.abort();
  }, 100);
  try {
    const both = AbortSignal.any([signal, stopped.signal]);
    return await reconcileChannel(context, part, readerOf(worker), both);
  } finally {
    clearInterval(timer);
    worker.hurry();
  }
}

async function check(context: ReconciliationContext, worker: ChannelWorker): Promise<boolean> {
  const hasWorked = await checkApproved(context, readerOf(worker));
  if (hasWorked) worker.hurry();
  return hasWorked;
}

function idOf({ merchantId, channelId }: Pick<ChannelReader, 'merchantId' | 'channelId'>): string {
  return JSON.stringify([merchantId, channelId]);
}

function readerOf(worker: ChannelWorker): ChannelReader {
  const { channel } = worker;
  return {
    merchantId: channel.merchant_id,
    channelId: channel.channel_id,
    driftPolicy: channel.drift_policy,
    maxBatch: worker.readsAtOnce,
    read: (listings) => worker.readShown(listings),
  };
}

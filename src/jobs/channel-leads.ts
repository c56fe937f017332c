import {
  canOpenCredentials,
  isStillLed,
  leadChannels,
  releaseLease,
  type ChannelRow,
  type Lease,
} from '../channels/index.ts';
import { ChannelWorker } from './channel-worker.ts';
import type { WorkerContext } from './worker-context.ts';
import { Signal } from './signal.ts';

const renewMs = 1_500;
const pollMs = 100;
const afterFaultMs = 500;

/**
 * The channels this process leads: takes and renews leases, runs a worker for each, and looks for
 * jobs that other processes made or whose time has come. Every process takes what is free, so the
 * first one gets most; how they share is not yet balanced.
 */
export class ChannelLeads {
  readonly #context: WorkerContext;
  readonly #leader: string;
  readonly #workers = new Map<string, ChannelWorker>();
  /** Workers that end, with whom their channel waits before it is led anew. */
  readonly #ending = new Map<string, Promise<void>>();
  readonly #leadSignal = new Signal();
  readonly #pollSignal = new Signal();
  #stopping = false;
  #loops: readonly Promise<void>[] = [];

  constructor(context: WorkerContext, leader: string) {
    this.#context = context;
    this.#leader = leader;
  }

  start(): void {
    this.#loops = [this.#lead(), this.#poll()];
  }

  get workers(): readonly ChannelWorker[] {
    return [...this.#workers.values()];
  }

  /** Jobs were made for these queues. */
  wake(queues: ReadonlySet<string>): void {
    for (const worker of this.#workers.values()) {
      if (queues.has(worker.channel.queue)) worker.wake();
    }
  }

  /** A channel was made or changed, or something was asked of one. */
  hurry(): void {
    this.#leadSignal.notify();
    for (const worker of this.#workers.values()) worker.hurry();
  }

  /** Ends all workers and gives their leases back: another process may go on at once. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#leadSignal.notify();
    this.#pollSignal.notify();
    for (const [id, worker] of this.#workers) this.#end(id, worker, timeoutMs);
    await Promise.all([...this.#loops, ...this.#ending.values()]);
  }

  /** As if the process had been killed. For tests. */
  async abandon(): Promise<void> {
    this.#stopping = true;
    this.#leadSignal.notify();
    this.#pollSignal.notify();
    await Promise.all([...this.workers.map((worker) => worker.abandon()), ...this.#loops]);
  }

  async #lead(): Promise<void> {
    while (!this.#stopping) {
      const askedAt = performance.now();
      try {
        const leases = await leadChannels(this.#context.db, this.#leader);
        const held = this.#follow(leases, askedAt);
        await this.#endLost(held);
        await this.#leadSignal.wait(renewMs);
      } catch (error) {
        this.#context.logger.warn({ err: error }, 'leases could not be renewed; trying again');
        await this.#leadSignal.wait(afterFaultMs);
      }
    }
  }

  /** Starts and renews workers. @returns the channels whose lease was taken or renewed */
  #follow(leases: readonly Lease[], askedAt: number): ReadonlySet<string> {
    const held = new Set<string>();
    if (this.#stopping) return held;
    for (const lease of leases) {
      const { channel, isRenewal } = lease;
      const id = `${channel.merchant_id}\u0000${channel.channel_id}`;
      held.add(id);
      const worker = this.#workers.get(id);
      const adapter = this.#context.adapters.get(channel.kind);
      if (worker !== undefined && isRenewal && !worker.isStopping) {
        worker.renew(channel, askedAt);
      } else if (worker !== undefined) this.#end(id, worker, channel.timeout_ms);
      else if (!canOpenCredentials(channel, this.#context.secretBox)) this.#decline(channel);
      else if (!this.#ending.has(id) && adapter !== undefined) {
        const started = new ChannelWorker(this.#context, adapter, lease, askedAt);
        this.#workers.set(id, started);
        this.#tell(started, true);
      }
    }
    return held;
  }

  /** Leaves a channel to a process that has its key: no attempt is spent without credentials. */
  #decline(channel: ChannelRow): void {
    const { merchant_id: merchantId, channel_id: channelId } = channel;
    this.#context.logger.error(
      { merchantId, channelId },
      'the credentials of a channel were sealed with another key: set the same ENCRYPTION_KEY',
    );
    releaseLease(this.#context.db, channel, this.#leader).catch((error: unknown) => {
      this.#context.logger.warn({ err: error }, 'a lease was not released; it will run out');
    });
  }

  /** Ends workers of channels that are paused, disabled, deleted, or led by another process. */
  async #endLost(held: ReadonlySet<string>): Promise<void> {
    for (const [id, worker] of this.#workers) {
      if (held.has(id)) continue;
      if (await isStillLed(this.#context.db, worker.channel, this.#leader)) continue;
      this.#end(id, worker, worker.channel.timeout_ms);
    }
  }

  #end(id: string, worker: ChannelWorker, timeoutMs: number): void {
    this.#workers.delete(id);
    const ended = worker
      .stop(timeoutMs)
      .then(() => releaseLease(this.#context.db, worker.channel, this.#leader))
      .catch((error: unknown) => {
        this.#context.logger.warn({ err: error }, 'a lease was not released; it will run out');
      })
      .then(() => {
        this.#ending.delete(id);
        this.#tell(worker, false);
        this.#leadSignal.notify();
      });
    this.#ending.set(id, ended);
  }

  #tell(worker: ChannelWorker, leads: boolean): void {
    const { merchant_id: merchantId, channel_id: channelId } = worker.channel;
    this.#context.events.onLeading?.({ merchantId, channelId, leads });
  }

  async #poll(): Promise<void> {
    const { queue, db, logger } = this.#context;
    while (!this.#stopping) {
      await this.#pollSignal.wait(pollMs);
      const ready = this.workers.filter((worker) => worker.isReady);
      if (ready.length === 0) continue;
      try {
        const names = ready.map((worker) => worker.channel.queue);
        this.wake(new Set(await queue.due(db, names)));
      } catch (error) {
        logger.debug({ err: error }, 'the job queue could not be looked at');
      }
    }
  }
}

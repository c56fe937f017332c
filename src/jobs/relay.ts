import { hasChannels, markListings, type Adapters, type DeliveryJob } from '../channels/index.ts';
import { pipelined, type DatabaseHandle, type Db } from '../db/index.ts';
import { passFailpoint } from '../failpoint.ts';
import { dropMessages, newestOfLevel, takeMessages } from '../outbox/index.ts';
import type { DeliveryQueue } from './delivery-queue.ts';

/** Messages of one merchant in a pass: its transaction takes some 100 ms with three channels. */
const passLimit = 2_000;
/** And of all merchants: however many there are, a pass ends within a second. */
const passMost = 10_000;

/** Messages that nobody wants cost a delete and nothing else. */
const dropLimit = 20_000;

export type RelayPass = {
  readonly messages: number;
  readonly jobs: readonly DeliveryJob[];
  /** There may be more: the next pass should follow at once. */
  readonly isFull: boolean;
  /** There is no channel: messages only have to leave. */
  readonly isUnwanted: boolean;
};

/** For so long it is taken for granted that there is a channel, once there was one. */
const knownMs = 1_000;

/**
 * Passes of the relay: messages leave the outbox, listings are marked and jobs are inserted in
 * one transaction, so a change is at every moment in the outbox, or marked with a job. It makes no
 * call.
 */
export function createRelay(
  database: Pick<DatabaseHandle, 'db' | 'pool'>,
  queue: DeliveryQueue,
  adapters: Adapters,
): () => Promise<RelayPass> {
  let wantedUntil = 0;
  return async () => {
    if (performance.now() > wantedUntil) {
      const dropped = await dropUnwanted(database.db);
      if (dropped !== undefined) {
        const isFull = dropped >= dropLimit;
        return { messages: dropped, jobs: [], isFull, isUnwanted: true };
      }
      // Of a channel that is gone since, messages are taken as well; nothing is marked.
      wantedUntil = performance.now() + knownMs;
    }
    return await relayWanted(database.pool, queue, adapters);
  };
}

async function relayWanted(
  pool: DatabaseHandle['pool'],
  queue: DeliveryQueue,
  adapters: Adapters,
): Promise<RelayPass> {
  const pass = await pipelined(pool, async (tx) => {
    const { messages, isFull } = await takeMessages(tx, passLimit, passMost);
    if (messages.length === 0) return { messages: 0, jobs: [], isFull: false, isUnwanted: false };
    passFailpoint('relay_claimed');
    const jobs = await markListings(tx, adapters, newestOfLevel(messages));
    await queue.insert(tx, jobs);
    return { messages: messages.length, jobs, isFull, isUnwanted: false };
  });
  if (pass.messages > 0) passFailpoint('relay_committed');
  return pass;
}

/** There is a channel after all: the pass is undone and done again with marking. */
class ChannelAppeared extends Error {}

/**
 * Without any channel, messages leave the outbox unread. Whether there is one is asked again after
 * the delete, in its transaction: a channel that was there when a change was committed is seen.
 * @returns how many messages left, or undefined when there are channels
 */
async function dropUnwanted(db: Db): Promise<number | undefined> {
  if (await hasChannels(db)) return undefined;
  try {
    return await db.transaction().execute(async (tx) => {
      const dropped = await dropMessages(tx, dropLimit);
      if (await hasChannels(tx)) throw new ChannelAppeared();
      return dropped;
    });
  } catch (error) {
    if (error instanceof ChannelAppeared) return undefined;
    throw error;
  }
}

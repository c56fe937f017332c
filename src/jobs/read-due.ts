import { readListings, type ChannelRow, type DueListing } from '../channels/index.ts';
import type { Clock } from '../clock.ts';
import type { ClaimedJob } from './delivery-queue.ts';
import type { ReadClock } from './make-call.ts';
import type { RoundsDatabase } from './rounds-database.ts';

export type ReadDue = {
  /** As it is to be worked. */
  readonly channel: ChannelRow;
  readonly due: readonly DueListing[];
  readonly clock: ReadClock;
};

/**
 * Reads what jobs have to see to, and the channel as it was before that or just then. A channel
 * that changed since it was known is loaded, and then its listings are read anew: what was read
 * before may be of another address, and by now no run marks them as such.
 * @returns undefined when the channel is not ours to work any more
 */
export async function readDue(input: {
  readonly context: { readonly rounds: Pick<RoundsDatabase, 'db'>; readonly clock: Clock };
  readonly channel: ChannelRow;
  readonly jobs: readonly ClaimedJob[];
  readonly reload: () => Promise<ChannelRow | undefined>;
}): Promise<ReadDue | undefined> {
  const { rounds, clock } = input.context;
  let { channel } = input;
  for (;;) {
    const askedAt = performance.now();
    const read = await readListings(rounds.db, channel, input.jobs, clock.offsetMs);
    const { readAt, channelUpdatedAt, due } = read;
    const isCurrent =
      channelUpdatedAt === undefined || channelUpdatedAt.getTime() === channel.updated_at.getTime();
    if (isCurrent) return { channel, due, clock: { readAt, askedAt, knownAt: performance.now() } };
    const reloaded = await input.reload();
    if (reloaded === undefined) return undefined;
    channel = reloaded;
  }
}

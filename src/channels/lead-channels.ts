import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import type { ChannelRow } from './channel.ts';

/** Lease of at least so long; a killed process is followed by another within that time. */
const shortestLeaseMs = 6_000;
/** Longer than a call by this much, so that a call can begin some time after a renewal. */
const beyondTimeoutMs = 4_000;

export function leaseMsOf(timeoutMs: number): number {
  return Math.max(shortestLeaseMs, timeoutMs + beyondTimeoutMs);
}

/** A channel that this process leads until its lease ends. */
export type Lease = {
  readonly channel: ChannelRow;
  /** It led it before already, without a break. */
  readonly isRenewal: boolean;
  /** How long the channel asked to be left alone; 0: it did not, or the time is over. */
  readonly blockedMs: number;
};

/**
 * Takes or renews the leases of every channel that is enabled, not paused, and led by nobody else.
 * One process works a channel at a time: this, and not a queue, is what keeps a channel from going
 * back to an older version. Leases go by the database's clock.
 * @param leader names this process, other than any before it
 */
export async function leadChannels(db: Db, leader: string): Promise<readonly Lease[]> {
  const { rows } = await sql<ChannelRow & { was_leader: boolean; blocked_ms: number }>`
    update channel c
    set leader = ${leader},
        leader_until = clock_timestamp() + interval '1 millisecond'
          * greatest(${shortestLeaseMs}::integer, c.timeout_ms + ${beyondTimeoutMs}::integer)
    from (
      select merchant_id, channel_id, leader is not distinct from ${leader} as was_leader
      from channel
      where enabled and paused_at is null
        and (leader is null or leader = ${leader} or leader_until < clock_timestamp())
      order by merchant_id, channel_id for no key update skip locked) free
    where c.merchant_id = free.merchant_id and c.channel_id = free.channel_id
    returning c.*, free.was_leader, greatest(0, coalesce(
      extract(epoch from c.blocked_until - clock_timestamp()) * 1000, 0))::double precision
      as blocked_ms`.execute(db);
  return rows.map(({ was_leader: isRenewal, blocked_ms: blockedMs, ...channel }) => ({
    channel,
    isRenewal,
    blockedMs,
  }));
}

/**
 * Whether a channel is still led by this process and to be worked. Asked when a renewal passed it
 * over: somebody may only have held its row at that moment.
 */
export async function isStillLed(db: Db, channel: ChannelRow, leader: string): Promise<boolean> {
  const row = await reloadChannel(db, channel);
  return row !== undefined && row.leader === leader && row.enabled && row.paused_at === null;
}

/** Gives a lease back: another process may take over at once. */
export async function releaseLease(db: Db, channel: ChannelRow, leader: string): Promise<void> {
  await db
    .updateTable('channel')
    .set({ leader: null, leader_until: null })
    .where('merchant_id', '=', channel.merchant_id)
    .where('channel_id', '=', channel.channel_id)
    .where('leader', '=', leader)
    .execute();
}

/** The channel as it is now, or undefined when it is gone. */
export async function reloadChannel(db: Db, channel: ChannelRow): Promise<ChannelRow | undefined> {
  return await db
    .selectFrom('channel')
    .selectAll()
    .where('merchant_id', '=', channel.merchant_id)
    .where('channel_id', '=', channel.channel_id)
    .executeTakeFirst();
}

/** Notes that a channel asked to be left alone, by the database's clock. */
export async function blockChannel(db: Db, channel: ChannelRow, waitMs: number): Promise<void> {
  await sql`
    update channel
    set blocked_until = greatest(blocked_until,
      clock_timestamp() + ${waitMs} * interval '1 millisecond')
    where merchant_id = ${channel.merchant_id} and channel_id = ${channel.channel_id}
  `.execute(db);
}

/** Every queue that belongs to a channel. */
export async function listQueues(db: Db): Promise<readonly string[]> {
  const rows = await db.selectFrom('channel').select('queue').execute();
  return rows.map((row) => row.queue);
}

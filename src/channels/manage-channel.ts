import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { ok, refuse, refused, sqlStateOf, type Refusal, type Result } from '../errors.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import { movedPrefix } from './plan-call.ts';
import { viewChannels, type ChannelRow, type ChannelView } from './channel.ts';

export function channelNotFound(channelId: string): Refusal {
  return refuse('CHANNEL.NOT_FOUND', 'There is no such channel.', { channelId });
}

export async function getChannel(
  db: Db,
  merchantId: string,
  channelId: string,
): Promise<ChannelView | undefined> {
  const row = await findChannel(db, merchantId, channelId);
  if (row === undefined) return undefined;
  const [view] = await viewChannels(db, merchantId, [row]);
  return view;
}

/** A channel, whether it is enabled or not. */
export async function findChannel(
  db: Db,
  merchantId: string,
  channelId: string,
): Promise<ChannelRow | undefined> {
  return await db
    .selectFrom('channel')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('channel_id', '=', channelId)
    .executeTakeFirst();
}

/** The enabled channels of an id, of one merchant or of all: a hundred of them at most. */
export async function findChannelsById(
  db: Db,
  channelId: string,
  merchantId: string | undefined,
): Promise<readonly ChannelRow[]> {
  let query = db
    .selectFrom('channel')
    .selectAll()
    .where('channel_id', '=', channelId)
    .where('enabled', '=', true)
    .orderBy('merchant_id')
    .limit(100);
  if (merchantId !== undefined) query = query.where('merchant_id', '=', merchantId);
  return await query.execute();
}

/** Channels by id, at most `limit` after `after`. */
export async function listChannels(
  db: Db,
  filter: PageRequest & { readonly merchantId: string },
): Promise<PageOf<ChannelView, string>> {
  let query = db
    .selectFrom('channel')
    .selectAll()
    .where('merchant_id', '=', filter.merchantId)
    .orderBy('channel_id')
    .limit(filter.limit + 1);
  if (filter.after !== undefined) query = query.where('channel_id', '>', filter.after);
  const page = pageOf(await query.execute(), filter.limit, (row) => row.channel_id);
  return { ...page, items: await viewChannels(db, filter.merchantId, page.items) };
}

/** The channel after a change of it. Refusals: CHANNEL.NOT_FOUND. */
async function changed(
  db: Db,
  channelId: string,
  row: ChannelRow | undefined,
): Promise<Result<ChannelView>> {
  const [view] = row === undefined ? [] : await viewChannels(db, row.merchant_id, [row]);
  return view === undefined ? refused(channelNotFound(channelId)) : ok(view);
}

/**
 * Deletes a channel with its listings and deliveries. Jobs that are left find nothing to do; a call
 * in flight ends, and its outcome is not recorded. Refusals: CHANNEL.NOT_FOUND.
 */
export async function deleteChannel(
  db: Db,
  merchantId: string,
  channelId: string,
): Promise<Result<undefined>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await deleteOnce(db, merchantId, channelId);
    } catch (error) {
      // The relay may just insert a listing, and then the two wait for each other.
      if (sqlStateOf(error) !== '40P01' || attempt === 5) throw error;
    }
  }
}

function deleteOnce(db: Db, merchantId: string, channelId: string): Promise<Result<undefined>> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql`
      delete from channel where merchant_id = ${merchantId} and channel_id = ${channelId}
      returning channel_id`.execute(tx);
    if (rows.length === 0) return refused(channelNotFound(channelId));
    await sql`
      delete from delivery_attempt a using delivery d
      where d.merchant_id = ${merchantId} and d.channel_id = ${channelId}
        and a.merchant_id = d.merchant_id and a.delivery_id = d.delivery_id`.execute(tx);
    await sql`
      delete from delivery
      where merchant_id = ${merchantId} and channel_id = ${channelId}`.execute(tx);
    return ok(undefined);
  });
}

/**
 * Stops deliveries to a channel until it is resumed; changes are noted meanwhile. A call in flight
 * ends first. Pausing a paused channel keeps its first reason. Refusals: CHANNEL.NOT_FOUND.
 */
export async function pauseChannel(
  db: Db,
  merchantId: string,
  channelId: string,
  reason: string,
): Promise<Result<ChannelView>> {
  const row = await db
    .updateTable('channel')
    .set({
      paused_at: sql<Date>`coalesce(paused_at, clock_timestamp())`,
      pause_reason: sql<string>`coalesce(pause_reason, ${reason})`,
      updated_at: sql<Date>`clock_timestamp()`,
    })
    .where('merchant_id', '=', merchantId)
    .where('channel_id', '=', channelId)
    .returningAll()
    .executeTakeFirst();
  return await changed(db, channelId, row);
}

/** Goes on with deliveries, at once. Refusals: CHANNEL.NOT_FOUND. */
export async function resumeChannel(
  db: Db,
  merchantId: string,
  channelId: string,
): Promise<Result<ChannelView>> {
  const row = await db
    .updateTable('channel')
    .set({
      paused_at: null,
      pause_reason: null,
      blocked_until: null,
      updated_at: sql<Date>`clock_timestamp()`,
    })
    .where('merchant_id', '=', merchantId)
    .where('channel_id', '=', channelId)
    .returningAll()
    .executeTakeFirst();
  return await changed(db, channelId, row);
}

/**
 * Sends the newest figures of every level the channel selects, also those it was told already, as
 * new messages. Its leader does so page by page; a run that was on its way starts over. In `every`
 * mode the figures come without an entry. Refusals: CHANNEL.NOT_FOUND.
 */
export async function republishChannel(
  db: Db,
  merchantId: string,
  channelId: string,
): Promise<Result<ChannelView>> {
  const row = await db
    .updateTable('channel')
    .set({
      // What is somewhere else now is told so, also in a run that starts over.
      backfill: sql<string>`jsonb_build_object('after', null, 'nonce',
        case when backfill ->> 'nonce' like ${`${movedPrefix}%`} then ${movedPrefix}::text
          else '' end || ${randomUUID()}::text)`,
      updated_at: sql<Date>`clock_timestamp()`,
    })
    .where('merchant_id', '=', merchantId)
    .where('channel_id', '=', channelId)
    .returningAll()
    .executeTakeFirst();
  return await changed(db, channelId, row);
}

import { sql } from 'kysely';
import type { Db, Tx } from '../db/index.ts';

/** How a channel does, by what the process that leads it last noted. */
export type ChannelState = {
  /** `closed`: calls go out; `open`: none until the next probe; `half-open`: one may go out. */
  readonly circuit: 'closed' | 'open' | 'half-open';
  readonly calls: { readonly running: number; readonly waiting: number };
  /** Calls that the rate limit would let go out at once; null: no limit. */
  readonly tokens: number | null;
  /** For how long no call goes out, in ms; 0: it may. */
  readonly waitMs: number;
  /** How often it asked us to be slower, since it is led. */
  readonly throttled: number;
  readonly lastSuccessAt: string | null;
  readonly lastFailureAt: string | null;
  readonly lastFailureCode: string | null;
  /** Jobs that are not done. */
  readonly queueDepth: number;
  /** How long the oldest change that is due has been waiting, in ms; 0: nothing is. */
  readonly lagMs: number;
  /** It lags for so long that its buffer is wider. */
  readonly isLagging: boolean;
};

export type NotedState = ChannelState & { readonly notedAt: string };

/** Notes how a channel does, for whoever is asked. */
export async function noteState(
  db: Db,
  channel: { readonly merchant_id: string; readonly channel_id: string },
  state: ChannelState,
): Promise<void> {
  // A channel that was deleted meanwhile has no state.
  await sql`
    insert into channel_state (merchant_id, channel_id, state, noted_at)
    select merchant_id, channel_id, ${JSON.stringify(state)}::jsonb, clock_timestamp()
    from channel
    where merchant_id = ${channel.merchant_id} and channel_id = ${channel.channel_id}
    on conflict (merchant_id, channel_id) do update
      set state = excluded.state, noted_at = excluded.noted_at`.execute(db);
}

/** What was noted of channels, by channel id. */
export async function readStates(
  db: Db | Tx,
  merchantId: string,
  channelIds: readonly string[],
): Promise<ReadonlyMap<string, NotedState>> {
  if (channelIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('channel_state')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('channel_id', 'in', [...channelIds])
    .execute();
  return new Map(
    rows.map(({ channel_id: id, state, noted_at: at }) => [
      id,
      { ...(state as ChannelState), notedAt: at.toISOString() },
    ]),
  );
}

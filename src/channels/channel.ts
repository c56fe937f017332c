import type { Selectable } from 'kysely';
import type { Db, Tx } from '../db/index.ts';
import { readStates, type NotedState } from './channel-state.ts';
import { bufferOf, type Buffer } from './shown-quantity.ts';
import type { ChannelMode, ChannelTable, DriftPolicy } from './tables.ts';

export type ChannelRow = Selectable<ChannelTable>;

/** A channel as the API shows it: without credentials. */
export type ChannelView = {
  readonly channelId: string;
  readonly kind: string;
  readonly config: unknown;
  readonly mode: ChannelMode;
  /** Calls per second; null: no limit. */
  readonly rateLimitRps: number | null;
  readonly timeoutMs: number;
  /** Null: as the settings say. */
  readonly maxAttempts: number | null;
  readonly buffer: Buffer | null;
  /** Null: as the settings say. */
  readonly batchWindowMs: number | null;
  readonly driftPolicy: DriftPolicy;
  readonly enabled: boolean;
  readonly status: 'active' | 'paused' | 'disabled';
  readonly pausedAt: string | null;
  readonly pauseReason: string | null;
  /** The channel asked to be left alone until then. */
  readonly blockedUntil: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** How it does; null: no process has led it yet. */
  readonly state: NotedState | null;
};

/** Channels as the API shows them, each with what its leader noted last. */
export async function viewChannels(
  db: Db | Tx,
  merchantId: string,
  rows: readonly ChannelRow[],
): Promise<readonly ChannelView[]> {
  const ids = rows.map((row) => row.channel_id);
  const states = await readStates(db, merchantId, ids);
  return rows.map((row) => viewChannel(row, states.get(row.channel_id) ?? null));
}

function viewChannel(row: ChannelRow, state: NotedState | null): ChannelView {
  const status = row.paused_at === null ? 'active' : 'paused';
  return {
    channelId: row.channel_id,
    kind: row.kind,
    config: row.config,
    mode: row.mode,
    rateLimitRps: row.rate_limit_rps,
    timeoutMs: row.timeout_ms,
    maxAttempts: row.max_attempts,
    buffer: bufferOf(row.buffer),
    batchWindowMs: row.batch_window_ms,
    driftPolicy: row.drift_policy,
    enabled: row.enabled,
    status: row.enabled ? status : 'disabled',
    pausedAt: row.paused_at?.toISOString() ?? null,
    pauseReason: row.pause_reason,
    blockedUntil: row.blocked_until?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    state,
  };
}

/** What a channel's sealed credentials are bound to. */
export function credentialsContext(merchantId: string, channelId: string): string {
  return JSON.stringify([merchantId, channelId]);
}

/**
 * The name of a channel's queue: readable where the ids are plain, and different for different
 * channels always. pg-boss allows word characters, `-`, `.` and `/`; bytes of anything else, and
 * the separator, are written as `/` and two hexadecimal digits.
 */
export function queueName(merchantId: string, channelId: string): string {
  return `channel.${encodeId(merchantId)}.${encodeId(channelId)}`;
}

/** Where the jobs of a queue go whose attempts are spent. */
export function deadLetterQueue(queue: string): string {
  return `${queue}.dead`;
}

function encodeId(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9_-]/gu, (character) =>
    [...Buffer.from(character, 'utf8')]
      .map((byte) => `/${byte.toString(16).padStart(2, '0')}`)
      .join(''),
  );
}

/** Whether any merchant has a channel. */
export async function hasChannels(db: Db | Tx): Promise<boolean> {
  const row = await db.selectFrom('channel').select('channel_id').limit(1).executeTakeFirst();
  return row !== undefined;
}

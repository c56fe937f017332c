import type { Db } from '../db/index.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';
import type { SecretBox } from '../encryption.ts';
import type { Adapters } from './adapter.ts';
import { channelNotFound } from './manage-channel.ts';
import { verify } from './publish.ts';

export type Verification = {
  readonly isAccepted: boolean;
  /** Why not, as a stable word; null when it is. */
  readonly code: string | null;
  readonly httpStatus: number | null;
};

/**
 * Asks a channel whether it takes the credentials it was given. Nothing is published.
 * Refusals: CHANNEL.NOT_FOUND, CHANNEL.VERIFY_NOT_SUPPORTED.
 */
export async function verifyChannel(
  db: Db,
  context: {
    readonly adapters: Adapters;
    readonly secretBox: SecretBox;
    readonly now: () => Date;
  },
  merchantId: string,
  channelId: string,
): Promise<Result<Verification>> {
  const channel = await db
    .selectFrom('channel')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('channel_id', '=', channelId)
    .executeTakeFirst();
  if (channel === undefined) return refused(channelNotFound(channelId));
  const { kind } = channel;
  const adapter = context.adapters.get(kind);
  if (adapter?.verify === undefined) {
    return refused(
      refuse('CHANNEL.VERIFY_NOT_SUPPORTED', 'A channel of this kind cannot be asked.', { kind }),
    );
  }
  const asking = { verify: adapter.verify.bind(adapter) };
  const { secretBox, now } = context;
  const signal = new AbortController().signal;
  const result = await verify(asking, channel, { secretBox, now, signal });
  if (result.ok) {
    return ok({ isAccepted: true, code: null, httpStatus: result.httpStatus ?? null });
  }
  const { code, httpStatus = null } = result.failure;
  return ok({ isAccepted: false, code, httpStatus });
}

import { sql } from 'kysely';
import {
  channelNotFound,
  findChannelsById,
  openChannelCredentials,
  type Adapters,
  type InboundWebhook,
} from '../channels/index.ts';
import type { Clock } from '../clock.ts';
import type { Db } from '../db/index.ts';
import type { SecretBox } from '../encryption.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';

export type ReceiveContext = {
  readonly db: Db;
  readonly adapters: Adapters;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
};

/** What a webhook's sender may know: it was taken, now or before. */
export type Receipt = { readonly received: true; readonly duplicate: boolean };

const forged = refuse('WEBHOOK.SIGNATURE_INVALID', 'The webhook is not signed by the channel.');
/** Of these nothing is kept: they are nobody's business once the signature is checked. */
const unkept = /^(?:authorization|cookie|proxy-authorization)$/;

/**
 * Stores a webhook that its channel has signed, once for each of the channel's own ids; it is
 * worked later. The channel is found by the signature where several merchants use the same id.
 * Refusals: CHANNEL.NOT_FOUND (also for kinds that send none), WEBHOOK.SIGNATURE_INVALID.
 */
export async function receiveWebhook(
  context: ReceiveContext,
  at: { readonly channelId: string; readonly merchantId?: string | undefined },
  webhook: InboundWebhook,
): Promise<Result<Receipt>> {
  const { db, adapters, secretBox, clock } = context;
  const channels = await findChannelsById(db, at.channelId, at.merchantId);
  let canSend = false;
  for (const channel of channels) {
    const adapter = adapters.get(channel.kind);
    if (adapter?.authenticate === undefined) continue;
    canSend = true;
    const credentials = openChannelCredentials(channel, secretBox);
    if (credentials === undefined) continue;
    const now = (): Date => clock.now();
    const found = adapter.authenticate(webhook, { config: channel.config, credentials, now });
    if (!found.ok) continue;
    const headers = Object.entries(webhook.headers).filter(([name]) => !unkept.test(name));
    const { numAffectedRows } = await sql`
      insert into inbox_webhook (merchant_id, channel_id, webhook_id, topic, headers, body, due_at,
        received_at)
      values (${channel.merchant_id}, ${channel.channel_id}, ${found.webhookId}, ${found.topic},
        ${JSON.stringify(Object.fromEntries(headers))}, ${webhook.body}, clock_timestamp(),
        clock_timestamp())
      on conflict do nothing`.execute(db);
    return ok({ received: true, duplicate: numAffectedRows === 0n });
  }
  return refused(canSend ? forged : channelNotFound(at.channelId));
}

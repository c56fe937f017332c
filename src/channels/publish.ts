import type { SecretBox } from '../encryption.ts';
import type { Change, ChannelAdapter, PublishResult } from './adapter.ts';
import { credentialsContext, type ChannelRow } from './channel.ts';

/** What a call to a channel needs besides its content. */
export type PublishOptions = {
  readonly secretBox: SecretBox;
  readonly now: () => Date;
  /** Ends the call before its timeout. */
  readonly signal: AbortSignal;
};

/**
 * Makes one call to a channel and gives up at its timeout. Never rejects: what goes wrong here
 * (credentials that cannot be opened, a bug in an adapter) is a failed attempt like any other.
 */
export async function publish(
  adapter: ChannelAdapter,
  channel: ChannelRow,
  changes: readonly Change[],
  messageId: string,
  options: PublishOptions,
): Promise<PublishResult> {
  const { merchant_id: merchantId, channel_id: channelId } = channel;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new Error('timeout')), channel.timeout_ms);
  try {
    const credentials = openCredentials(channel, options.secretBox);
    return await adapter.publish(changes, {
      merchantId,
      channelId,
      config: channel.config,
      credentials,
      messageId,
      signal: AbortSignal.any([timeout.signal, options.signal]),
      now: options.now,
    });
  } catch (error) {
    const code = error instanceof CredentialsUnusable ? 'credentials_unusable' : 'internal';
    return { ok: false, failure: { code, scope: 'channel' } };
  } finally {
    clearTimeout(timer);
  }
}

/** Whether this process has the key that the channel's credentials were sealed with. */
export function canOpenCredentials(channel: ChannelRow, secretBox: SecretBox): boolean {
  try {
    openCredentials(channel, secretBox);
    return true;
  } catch {
    return false;
  }
}

/** A channel's credentials; undefined where this process has not the key they were sealed with. */
export function openChannelCredentials(channel: ChannelRow, secretBox: SecretBox): unknown {
  try {
    return openCredentials(channel, secretBox);
  } catch {
    return undefined;
  }
}

class CredentialsUnusable extends Error {}

function openCredentials(channel: ChannelRow, secretBox: SecretBox): unknown {
  if (channel.credentials === null) return undefined;
  const context = credentialsContext(channel.merchant_id, channel.channel_id);
  try {
    const credentials: unknown = JSON.parse(secretBox.open(channel.credentials, context));
    return credentials;
  } catch (cause) {
    throw new CredentialsUnusable('the credentials cannot be opened', { cause });
  }
}

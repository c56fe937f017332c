import type { SecretBox } from '../encryption.ts';
import type {
  AdapterContext,
  Change,
  ChannelAdapter,
  Confirmation,
  DiscoverResult,
  FetchOrderResult,
  ListingKey,
  NamedOrder,
  PublishContext,
  PublishFailure,
  PublishResult,
  ReadResult,
} from './adapter.ts';
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
export function publish(
  adapter: ChannelAdapter,
  channel: ChannelRow,
  changes: readonly Change[],
  about: Pick<PublishContext, 'messageId' | 'readAt' | 'isRepeated'>,
  options: PublishOptions,
): Promise<PublishResult> {
  return call(
    channel,
    options,
    (context) => adapter.publish(changes, { ...context, ...about }),
    (failure) => ({ ok: false, failure }),
  );
}

/** What an operation came to, or why nobody can say. */
export type ConfirmResult =
  Confirmation | { readonly kind: 'failed'; readonly failure: PublishFailure };

/** Asks a channel what became of an accepted operation. As {@link publish}. */
export function confirm(
  adapter: Required<Pick<ChannelAdapter, 'confirm'>>,
  channel: ChannelRow,
  operation: string,
  changes: readonly Change[],
  options: PublishOptions,
): Promise<ConfirmResult> {
  return call<ConfirmResult>(
    channel,
    options,
    (context) => adapter.confirm(operation, changes, context),
    (failure) => ({ kind: 'failed', failure }),
  );
}

/** Asks a channel whether it takes its credentials. As {@link publish}. */
export function verify(
  adapter: Required<Pick<ChannelAdapter, 'verify'>>,
  channel: ChannelRow,
  options: PublishOptions,
): Promise<PublishResult> {
  return call<PublishResult>(
    channel,
    options,
    (context) => adapter.verify(context),
    (failure) => ({ ok: false, failure }),
  );
}

/** Asks a channel for an order that a webhook only named. As {@link publish}. */
export function fetchOrder(
  adapter: Required<Pick<ChannelAdapter, 'fetchOrder'>>,
  channel: ChannelRow,
  named: NamedOrder,
  options: PublishOptions,
): Promise<FetchOrderResult> {
  return call<FetchOrderResult>(
    channel,
    options,
    (context) => adapter.fetchOrder(named, context),
    (failure) => ({ ok: false, failure }),
  );
}

/** Asks a channel what it sells. As {@link publish}. */
export function discover(
  adapter: Required<Pick<ChannelAdapter, 'discover'>>,
  channel: ChannelRow,
  cursor: string | null,
  options: PublishOptions,
): Promise<DiscoverResult> {
  return call<DiscoverResult>(
    channel,
    options,
    (context) => adapter.discover(cursor, context),
    (failure) => ({ ok: false, failure }),
  );
}

/** Asks a channel what it shows. As {@link publish}. */
export function readShown(
  adapter: Required<Pick<ChannelAdapter, 'read'>>,
  channel: ChannelRow,
  listings: readonly ListingKey[],
  options: PublishOptions,
): Promise<ReadResult> {
  return call<ReadResult>(
    channel,
    options,
    (context) => adapter.read(listings, context),
    (failure) => ({ ok: false, failure }),
  );
}

/** A call with the channel's settings and credentials, ended at its timeout. */
async function call<Answer>(
  channel: ChannelRow,
  options: PublishOptions,
  make: (context: AdapterContext) => Promise<Answer>,
  fail: (failure: PublishFailure) => Answer,
): Promise<Answer> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new Error('timeout')), channel.timeout_ms);
  let isMade = false;
  try {
    const credentials = openCredentials(channel, options.secretBox);
    isMade = true;
    return await make({
      merchantId: channel.merchant_id,
      channelId: channel.channel_id,
      config: channel.config,
      credentials,
      signal: AbortSignal.any([timeout.signal, options.signal]),
      now: options.now,
    });
  } catch (error) {
    const code = error instanceof CredentialsUnusable ? 'credentials_unusable' : 'internal';
    return fail({ code, scope: 'channel', ...(isMade ? {} : { isNotDone: true }) });
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

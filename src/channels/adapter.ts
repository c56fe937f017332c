import type { z } from 'zod';
import { retryAfterMs } from '../retry-after.ts';
import type { InboundEvent, InboundOrder } from './inbound-event.ts';

export type { InboundEvent, InboundLine, InboundOrder } from './inbound-event.ts';

/** The ledger entry behind a change, in channels that get every one. */
export type ChangeEntry = {
  readonly entryId: string;
  readonly quantity: string;
  readonly delta: number;
  readonly reason: string | null;
};

/** One listing's figures, to be shown by the channel. */
export type Change = {
  readonly storeId: string;
  readonly sku: string;
  /** What the channel calls it, as the merchant told us; null where nothing was told. */
  readonly externalIds: unknown;
  /** What can be sold, never below 0. */
  readonly available: number;
  readonly onHand: number;
  /** The level's version that the figures belong to: a channel never takes an older one. */
  readonly version: number;
  readonly recordedAt: Date;
  /** What the channel shows, as far as we know; null when nobody knows. */
  readonly previous: number | null;
  readonly entry?: ChangeEntry;
};

/** What an adapter is given for each call. */
export type AdapterContext<Config = unknown, Credentials = unknown> = {
  readonly merchantId: string;
  readonly channelId: string;
  readonly config: Config;
  readonly credentials: Credentials;
  /** Ends the call at its timeout, or when the process has to stop. */
  readonly signal: AbortSignal;
  /** This process's time, for signatures and for dates the channel sends. */
  readonly now: () => Date;
};

/** What a publication is about, besides the changes. */
export type PublishContext<Config = unknown, Credentials = unknown> = AdapterContext<
  Config,
  Credentials
> & {
  /**
   * The call's idempotency key: the same on every retry of the same content. Of a stored call it is
   * made once, and what follows its answer has another even where it says the same.
   */
  readonly messageId: string;
  /**
   * When the figures were read, by the database's clock: of a stored call the same on every retry,
   * and later in each call about the same listing. Absent outside of deliveries.
   */
  readonly readAt?: Date;
  /** Of a stored call: it may have been sent before, and nobody knows what became of it. */
  readonly isRepeated?: boolean;
};

/**
 * What became of one change.
 *
 * - `applied`, `unchanged`: the channel shows it
 * - `accepted`: the channel has taken it and will apply it; `confirm` is asked for `operation`
 * - `stale` without `observed`: the channel has something newer of ours
 * - `stale` with `observed`: the channel showed another figure than `previous` and kept it; it is
 *   drift, and the change is sent again with `observed` as what was shown before
 * - `retry`: not now; with `isThrottled` the channel only wants us slower: no attempt is spent
 * - `refused`: never, as it is
 */
export type ChangeOutcome =
  | { readonly kind: 'applied' | 'unchanged' }
  | { readonly kind: 'accepted'; readonly operation?: string }
  | { readonly kind: 'stale'; readonly observed?: number }
  | {
      readonly kind: 'retry';
      readonly code: string;
      readonly retryAfterMs?: number;
      readonly isThrottled?: boolean;
    }
  | { readonly kind: 'refused'; readonly code: string };

/** Why a call failed, and what follows from it. */
export type PublishFailure = {
  /** A stable word: `timeout`, `connection_refused`, `http_500`, … */
  readonly code: string;
  readonly httpStatus?: number;
  /** `channel`: it is down or overloaded, others would fail too; `request`: this one did. */
  readonly scope: 'channel' | 'request';
  /** The channel asked to be left alone for so long. */
  readonly retryAfterMs?: number;
  /** The channel only wants us to be slower: no attempt is spent, and its circuit stays closed. */
  readonly isThrottled?: boolean;
  /** The channel says that nothing was done. Otherwise it may have been, with the answer lost. */
  readonly isNotDone?: boolean;
  /** The channel wants nothing any more: it is paused with this reason. */
  readonly pause?: string;
};

/** What an answer other than 2xx means, as far as every channel agrees. */
export function failureOfStatus(
  status: number,
  retryAfter: string | undefined,
  now: Date,
): PublishFailure {
  const failure = { code: `http_${status}`, httpStatus: status };
  if (status === 410) return { ...failure, scope: 'channel', pause: 'The receiver answered 410.' };
  if (status === 429 || status === 503) {
    const wait = retryAfterMs(retryAfter, now);
    return {
      ...failure,
      scope: 'channel',
      ...(status === 429 ? { isNotDone: true } : {}),
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    };
  }
  // The receiver is there and says what it thinks of this request; others may be welcome.
  const isAboutRequest = status >= 300 && status < 500 && status !== 408;
  if (!isAboutRequest) return { ...failure, scope: 'channel' };
  // A conflict may be one with what the same call did before.
  return { ...failure, scope: 'request', ...(status === 409 ? {} : { isNotDone: true }) };
}

export type PublishResult =
  | {
      readonly ok: true;
      readonly httpStatus?: number;
      /** One for each change, in their order; absent: all applied. */
      readonly outcomes?: readonly ChangeOutcome[];
      /** By the channel's own figures, the next call has to wait so long. */
      readonly nextCallInMs?: number;
      /** What the last of several requests failed with: the channel may be down or busy. */
      readonly failure?: PublishFailure;
    }
  | { readonly ok: false; readonly failure: PublishFailure };

/** What a channel can do; what is done around it follows from this. */
export type Capabilities = {
  /** It takes `previous` along and refuses a change when it shows something else. */
  readonly compareAndSet: boolean;
  /**
   * Where a call's idempotency key goes. With a key the call is stored before it is sent, and
   * repeated as it was until it is answered; only then newer content goes out. `content`: so it is
   * without a key, because doing it again does no harm, and doing it late would.
   */
  readonly idempotency: 'none' | 'header' | 'directive' | 'body' | 'content';
  /** Whether one bad change spoils its batch, or each has a result of its own. */
  readonly results: 'batch' | 'item';
  /** By what it limits us: calls, a cost that it states itself, or revisions of a listing a day. */
  readonly rateModel: 'calls' | 'cost' | 'listing-per-day';
};

/** How often a channel lets one thing that it sells be revised. */
export type RevisionLimit = {
  /** In one calendar day. */
  readonly perDay: number;
  /** IANA name of the zone whose days are counted. */
  readonly timeZone: string;
};

/** What became of an operation that was accepted. */
export type Confirmation =
  | { readonly kind: 'pending'; readonly retryAfterMs?: number }
  | { readonly kind: 'done'; readonly outcomes: readonly ChangeOutcome[] };

/** A listing as the channel knows it. */
export type ListingKey = {
  readonly storeId: string;
  readonly sku: string;
  readonly externalIds: unknown;
};

/** What a channel shows for listings, in their order; null: it does not have the listing. */
export type ReadResult =
  | { readonly ok: true; readonly quantities: readonly (number | null)[] }
  | { readonly ok: false; readonly failure: PublishFailure };

/** Something the channel sells, for mapping. */
export type DiscoveredItem = {
  readonly externalIds: unknown;
  /** The merchant's own number there; null where none is set. */
  readonly sku: string | null;
  readonly title: string | null;
  /** The channel's place, where it has several. */
  readonly location?: { readonly id: string; readonly name: string | null };
  /** What it shows; null where it does not say. */
  readonly quantity: number | null;
};

export type DiscoverResult =
  | {
      readonly ok: true;
      readonly items: readonly DiscoveredItem[];
      /** For the next page; null: that was the last. */
      readonly nextCursor: string | null;
    }
  | { readonly ok: false; readonly failure: PublishFailure };

/** A webhook as it came in: the body is what was signed, byte for byte. */
export type InboundWebhook = {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** As it came here, with `Host` and query as sent; always `https`, which a proxy may take off. */
  readonly url: string;
};

/** Whether a webhook is the channel's, and what it is called there. */
export type Authentication =
  | { readonly ok: true; readonly webhookId: string; readonly topic: string }
  | { readonly ok: false };

/** An order that a webhook only names, and when it changed by that webhook. */
export type NamedOrder = { readonly orderId: string; readonly toldAt: Date };

/** An order as it is now; null: it wants no stock, or the channel does not have it. */
export type FetchOrderResult =
  | { readonly ok: true; readonly order: InboundOrder | null }
  | { readonly ok: false; readonly failure: PublishFailure };

/** Which levels a channel gets: all (of some SKUs or stores), or only those that are listed. */
export type Selection =
  | {
      readonly kind: 'all';
      readonly skus?: readonly string[] | undefined;
      readonly stores?: readonly string[] | undefined;
    }
  | { readonly kind: 'listed' };

/**
 * What onhand needs to know of a kind of channel: the port. An adapter has no state but its
 * connections and access tokens; timeouts, retries, rate limits and order are seen to around it.
 */
export type ChannelAdapter<Config = unknown, Credentials = unknown> = {
  readonly kind: string;
  readonly capabilities: Capabilities;
  /** The most changes one call carries. */
  readonly maxBatch: number;
  /** The most listings one {@link read} is asked for; absent: {@link maxBatch}. */
  readonly maxRead?: number;
  /** How long a call may take where the channel does not say, in ms; absent: 5,000. */
  readonly timeoutMs?: number;
  /** What may stand in `config`; unknown keys are refused. */
  readonly configSchema: z.ZodType<Config>;
  readonly credentialsSchema: z.ZodType<Credentials>;
  /** What may stand in a listing's `externalIds`; absent: anything. */
  readonly externalIdsSchema?: z.ZodType;
  /** Credentials that we make ourselves when none are given; shown once. */
  newCredentials?(): Credentials & { readonly secret: string };
  selects(config: Config): Selection;
  /** Who is at the other end: when it changes, the channel knows nothing yet. */
  address(config: Config): string;
  /**
   * Where its credentials are sent, place by place: for another one they have to be given again.
   * Absent: to the {@link address} alone. None: they are sent nowhere.
   */
  credentialsGoTo?(config: Config): readonly string[];
  /**
   * Where it lets what it sells be revised only so often a day: a budget that is kept around it, in
   * the database. Every change counts as a revision before it is sent, unless the channel then says
   * that nothing was done. Not for adapters with idempotency keys: their calls are repeated whole.
   */
  readonly revisions?: {
    limit(config: Config): RevisionLimit;
    /** What it counts together, by its own name: listings may share it. Null: nothing is sent. */
    subject(externalIds: unknown): string | null;
  };
  /** One text for what the channel has under these ids: two listings must not share it. */
  listingKey?(externalIds: unknown): string;
  /**
   * The listings that an order's line may be about, by their keys: the first that is listed is
   * meant. Absent: the one with the line's key.
   */
  lineKeys?(lineKey: string): readonly string[];
  /** Brings the changes to the channel. Rejects only for a bug: a call that fails is a result. */
  publish(
    changes: readonly Change[],
    context: PublishContext<Config, Credentials>,
  ): Promise<PublishResult>;
  /** Asks what became of an accepted operation. */
  confirm?(
    operation: string,
    changes: readonly Change[],
    context: AdapterContext<Config, Credentials>,
  ): Promise<Confirmation | { readonly kind: 'failed'; readonly failure: PublishFailure }>;
  /** Reads what the channel shows: at most {@link maxRead} listings. */
  read?(
    listings: readonly ListingKey[],
    context: AdapterContext<Config, Credentials>,
  ): Promise<ReadResult>;
  /** Whether the channel takes the credentials. */
  verify?(context: AdapterContext<Config, Credentials>): Promise<PublishResult>;
  /** Lists what the channel sells. */
  discover?(
    cursor: string | null,
    context: AdapterContext<Config, Credentials>,
  ): Promise<DiscoverResult>;
  /** Whether a webhook was signed by the channel. In constant time. */
  authenticate?(
    webhook: InboundWebhook,
    context: Pick<AdapterContext<Config, Credentials>, 'config' | 'credentials' | 'now'>,
  ): Authentication;
  /** What an authentic webhook tells about stock, if anything. Throws for a poison one. */
  translate?(
    topic: string,
    webhook: Pick<InboundWebhook, 'headers' | 'body'>,
    config: Config,
  ): readonly InboundEvent[];
  /** Asks for an order, of channels whose webhooks only name it. */
  fetchOrder?(
    named: NamedOrder,
    context: AdapterContext<Config, Credentials>,
  ): Promise<FetchOrderResult>;
  /** Closes its connections. */
  close?(): Promise<void>;
};

/** The adapters of a process, by kind. */
export type Adapters = ReadonlyMap<string, ChannelAdapter>;

import type { z } from 'zod';

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
  /** What the channel was told last; null when nothing was, or nobody knows. */
  readonly previous: number | null;
  readonly entry?: ChangeEntry;
};

/** What a publication is about, besides the changes. */
export type PublishContext<Config = unknown, Credentials = unknown> = {
  readonly merchantId: string;
  readonly channelId: string;
  readonly config: Config;
  readonly credentials: Credentials;
  /** The same for the same content, on every retry and in every process. */
  readonly messageId: string;
  /** Ends the call at its timeout, or when the process has to stop. */
  readonly signal: AbortSignal;
  /** This process's time, for signatures and for dates the channel sends. */
  readonly now: () => Date;
};

/**
 * What became of one change.
 *
 * - `applied`, `unchanged`: the channel shows it
 * - `accepted`: the channel has it and will apply it
 * - `stale`: the channel has something newer
 * - `retry`: not now
 * - `refused`: never, as it is
 */
export type ChangeOutcome =
  | { readonly kind: 'applied' | 'accepted' | 'unchanged' | 'stale' }
  | { readonly kind: 'retry'; readonly code: string }
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
  /** The channel wants nothing any more: it is paused with this reason. */
  readonly pause?: string;
};

export type PublishResult =
  | {
      readonly ok: true;
      readonly httpStatus?: number;
      /** One for each change, in their order; absent: all applied. */
      readonly outcomes?: readonly ChangeOutcome[];
    }
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
 * connections; timeouts, retries, rate limits and order are seen to around it.
 */
export type ChannelAdapter<Config = unknown, Credentials = unknown> = {
  readonly kind: string;
  /** The most changes one call carries. */
  readonly maxBatch: number;
  /** What may stand in `config`; unknown keys are refused. */
  readonly configSchema: z.ZodType<Config>;
  readonly credentialsSchema: z.ZodType<Credentials>;
  /** Credentials that we make ourselves when none are given; shown once. */
  newCredentials?(): Credentials & { readonly secret: string };
  selects(config: Config): Selection;
  /** Who is at the other end: when it changes, the channel knows nothing yet. */
  address(config: Config): string;
  /** Brings the changes to the channel. Rejects only for a bug: a call that fails is a result. */
  publish(
    changes: readonly Change[],
    context: PublishContext<Config, Credentials>,
  ): Promise<PublishResult>;
  /** Closes its connections. */
  close?(): Promise<void>;
};

/** The adapters of a process, by kind. */
export type Adapters = ReadonlyMap<string, ChannelAdapter>;

import type { Adapters, RetrySettings } from '../channels/index.ts';
import type { Clock } from '../clock.ts';
import type { Db } from '../db/index.ts';
import type { SecretBox } from '../encryption.ts';
import type { Logger } from '../logger.ts';
import type { BreakerSettings } from './circuit.ts';
import type { DeliveryQueue } from './delivery-queue.ts';
import type { DeliveryEvents } from './events.ts';
import type { RoundsDatabase } from './rounds-database.ts';

/** What the workers of all channels share. */
export type WorkerContext = {
  readonly db: Db;
  readonly rounds: RoundsDatabase;
  readonly queue: DeliveryQueue;
  readonly adapters: Adapters;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly retry: RetrySettings;
  readonly events: DeliveryEvents;
  /** Between two looks for listings that lag with nobody working on them, in ms. */
  readonly sweepMs: number;
  /** Whether commands wait to be committed here: deliveries then leave them the processor. */
  readonly isBusy: () => boolean;
  /** An operation that is accepted and not known after so long is sent again, in ms. */
  readonly acceptedMaxMs: number;
  readonly breaker: BreakerSettings;
  /** For channels that do not say themselves how long changes are collected for one call, in ms. */
  readonly batchWindowMs: number;
  /** Channels are brought up to date so often instead of after each change; null: they are not. */
  readonly pollIntervalMs: number | null;
  /** A channel that is behind for longer lags, in ms. */
  readonly lagAlertMs: number;
};

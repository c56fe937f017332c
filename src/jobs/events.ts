import type { AttemptOutcome } from '../channels/index.ts';

export type AttemptEvent = {
  readonly merchantId: string;
  readonly channelId: string;
  readonly outcome: AttemptOutcome;
  readonly listings: number;
  /** From the record of the oldest change to the acknowledgement; null when there was none. */
  readonly lagMs: number | null;
  readonly durationMs: number;
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
};

export type DeadEvent = {
  readonly merchantId: string;
  readonly channelId: string;
  readonly deliveryId: string;
  readonly listings: number;
  readonly errorCode: string | null;
};

export type DriftEvent = {
  readonly merchantId: string;
  readonly channelId: string;
  readonly driftId: string;
  readonly sku: string;
  readonly storeId: string;
  readonly expected: number | null;
  readonly observed: number;
};

/** What happens to deliveries, for logs and metrics. */
export type DeliveryEvents = {
  /** One call, or one that was not needed because the channel knew (`suppressed`). */
  readonly onAttempt?: (event: AttemptEvent) => void;
  /** Attempts are spent: from here an operator has to redrive. */
  readonly onDead?: (event: DeadEvent) => void;
  readonly onPaused?: (event: { merchantId: string; channelId: string; reason: string }) => void;
  /** The channel wants us to be slower. */
  readonly onThrottled?: (event: { merchantId: string; channelId: string; code: string }) => void;
  /** Listings were revised so often today that they have to wait. */
  readonly onWaiting?: (event: { merchantId: string; channelId: string; listings: number }) => void;
  /** The channel showed another figure than it was told. */
  readonly onDrift?: (event: DriftEvent) => void;
  readonly onCircuit?: (event: { merchantId: string; channelId: string; state: string }) => void;
  /** Messages the relay took, and jobs it made of them. */
  readonly onRelayed?: (event: { messages: number; jobs: number }) => void;
  /** Jobs for listings that lagged with nobody working on them: something had been lost. */
  readonly onRecovered?: (event: { merchantId: string; channelId: string; jobs: number }) => void;
  readonly onLeading?: (event: { merchantId: string; channelId: string; leads: boolean }) => void;
};

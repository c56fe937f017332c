import { z } from 'zod';

/** What a channel is not to be shown of what is available. */
export type Buffer = {
  /** Units kept back. */
  readonly units?: number | undefined;
  /** Percent of its share kept back, at least: 10 % of 15 are 2. The larger of both counts. */
  readonly percent?: number | undefined;
  /** It is never shown more. */
  readonly max?: number | undefined;
  /** The part of what is available that it may sell: above 0, at most 1. */
  readonly share?: number | undefined;
  /** Kept back on top while the channel lags. */
  readonly widenWhileLaggingUnits?: number | undefined;
};

/** How a listing's figure is made. */
export type ShownRules = {
  readonly buffer: Buffer | null;
  /** The operator shows 0 of this listing. */
  readonly isPaused: boolean;
  /** The channel is behind: it may still sell what is gone. */
  readonly isLagging: boolean;
};

const units = z.int().min(0).max(2_147_483_647);

/** What may stand in a channel's `buffer`. */
export const bufferSchema: z.ZodType<Buffer> = z.strictObject({
  units: units.optional(),
  percent: z.number().min(0).max(100).optional(),
  max: units.optional(),
  share: z.number().gt(0).max(1).optional(),
  widenWhileLaggingUnits: units.optional(),
});

/** Decimal fractions have no exact double: 0.29 × 100 is 28.999…, and 29 is meant. */
const inexact = 1e-9;

/**
 * What a channel is shown: its share of what is available, rounded down, less the buffer, rounded
 * up, at most its maximum, and never below 0.
 * @param available may be below 0: then the level is oversold
 */
export function shownQuantity(available: number, rules: ShownRules): number {
  if (rules.isPaused) return 0;
  const buffer = rules.buffer ?? {};
  const part = Math.floor(Math.max(available, 0) * (buffer.share ?? 1) + inexact);
  const byPercent = Math.ceil((part * (buffer.percent ?? 0)) / 100 - inexact);
  const wider = rules.isLagging ? (buffer.widenWhileLaggingUnits ?? 0) : 0;
  const kept = Math.max(buffer.units ?? 0, byPercent) + wider;
  return Math.min(Math.max(part - kept, 0), buffer.max ?? Infinity);
}

/** A channel's buffer as it is stored; null where it has none. */
export function bufferOf(stored: unknown): Buffer | null {
  const parsed = bufferSchema.safeParse(stored);
  return parsed.success ? parsed.data : null;
}

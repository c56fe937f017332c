/** How failed calls are tried again. */
export type RetrySettings = {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly multiplier: number;
  /** Calls of one delivery, the first included. */
  readonly maxAttempts: number;
  /** False: there is no dead-letter queue, and deliveries are retried for ever. */
  readonly deadLetters: boolean;
};

/**
 * How long to wait after a failed attempt: base × multiplier^(attempt − 1), at most `maxMs`, of
 * which the upper half is left to chance, so that what failed together does not come back together.
 * @param attempt the one that failed, from 1
 * @param chance 0 … 1
 */
export function backoffMs(settings: RetrySettings, attempt: number, chance: number): number {
  const { baseMs, maxMs, multiplier } = settings;
  const full = Math.min(maxMs, baseMs * multiplier ** (attempt - 1));
  return full / 2 + (full / 2) * chance;
}

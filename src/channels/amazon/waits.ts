/** How long things at Amazon are waited for. */
export type Waits = {
  /** Between two looks at a feed that is not done. */
  readonly feedMs: number;
  /** Until the first look whether a quantity is shown; later ones are farther apart. */
  readonly shownMs: number;
  /** A figure that is neither ours nor the one before is taken as it is after so long. */
  readonly otherMs: number;
  /**
   * A change with a lost answer that is not shown after so long is sent anew; what may have been
   * sent twice is not under way any more.
   */
  readonly unansweredMs: number;
  /** One that was accepted, after so long. */
  readonly acceptedMs: number;
};

export const usualWaits: Waits = {
  feedMs: 15_000,
  shownMs: 2_000,
  otherMs: 120_000,
  unansweredMs: 30_000,
  acceptedMs: 900_000,
};

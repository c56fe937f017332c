import { z } from 'zod';

/** What a call cost, and what is left in the bucket, by Shopify's own account. */
export type Cost = {
  /** Has to be in the bucket before the call is worked, in points. */
  readonly requestedQueryCost: number;
  readonly throttleStatus: {
    readonly maximumAvailable: number;
    readonly currentlyAvailable: number;
    /** Points a second. */
    readonly restoreRate: number;
  };
};

export const costSchema: z.ZodType<Cost> = z.object({
  requestedQueryCost: z.number().min(0),
  throttleStatus: z.object({
    maximumAvailable: z.number().min(0),
    currentlyAvailable: z.number(),
    restoreRate: z.number().gt(0),
  }),
});

/**
 * How long until so many points are in the bucket, in ms, rounded up: 0 when they are. A bucket
 * that is too small for them is waited for until it is full.
 */
export function waitForPoints(points: number, { throttleStatus }: Cost): number {
  const { maximumAvailable, currentlyAvailable, restoreRate } = throttleStatus;
  const missing = Math.min(points, maximumAvailable) - currentlyAvailable;
  return Math.max(Math.ceil((missing * 1_000) / restoreRate), 0);
}

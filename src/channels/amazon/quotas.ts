import { setTimeout as sleep } from 'node:timers/promises';
import { hostOf, type AmazonContext } from './settings.ts';

/** Operations of Amazon's that have a quota of their own. */
export type AmazonOperation = keyof typeof usagePlans;

/**
 * What Amazon lets every seller call: so many at once, then so many a second. Of those without a
 * plan here a call comes back only in minutes: that is too long to wait within a call, and a 429
 * says so.
 */
const usagePlans = {
  patchListingsItem: { perSecond: 5, burst: 5 },
  getListingsItem: { perSecond: 5, burst: 10 },
  searchListingsItems: { perSecond: 5, burst: 5 },
  createFeedDocument: { perSecond: 0.5, burst: 15 },
  createFeed: undefined,
  getFeed: { perSecond: 2, burst: 15 },
  getFeedDocument: undefined,
} as const;

/** When the requests to one operation may go out, for one seller. */
export type Quota = {
  /** Waits for a request's turn. @returns whether it came before the signal */
  turn(signal: AbortSignal): Promise<boolean>;
  /** What an answer says: how many are taken a second, and whether this was too much. */
  learn(answer: { readonly perSecond: number | undefined; readonly isTooMuch: boolean }): void;
  /** Until as many can go out at once as ever, in ms. */
  refillMs(): number;
};

/** The quotas of sellers, as this process has used them. */
export type Quotas = { of(context: AmazonContext, operation: AmazonOperation): Quota };

const unlimited: Quota = {
  turn: (signal) => Promise.resolve(!signal.aborted),
  learn: () => undefined,
  refillMs: () => 0,
};

/** Amazon counts by seller and application: channels that share both share the quotas. */
export function createQuotas(): Quotas {
  const kept = new Map<string, Quota>();
  return {
    of: (context, operation) => {
      const plan = usagePlans[operation];
      if (plan === undefined) return unlimited;
      const { config, credentials } = context;
      const key = [hostOf(config), config.sellerId, credentials.clientId, operation].join('\n');
      const quota = kept.get(key) ?? createQuota(plan);
      kept.set(key, quota);
      return quota;
    },
  };
}

/** A bucket: a request takes a token, or the promise of one, and waits until it is there. */
function createQuota(plan: { readonly perSecond: number; readonly burst: number }): Quota {
  const { burst } = plan;
  let { perSecond } = plan;
  let tokens = burst;
  let at = performance.now();
  const fill = (): void => {
    const now = performance.now();
    tokens = Math.min(burst, tokens + ((now - at) / 1_000) * perSecond);
    at = now;
  };
  return {
    turn: async (signal) => {
      if (signal.aborted) return false;
      fill();
      tokens -= 1;
      if (tokens >= 0) return true;
      const ms = (-tokens * 1_000) / perSecond;
      await sleep(ms, undefined, { signal }).catch(() => undefined);
      // Not used after all.
      if (signal.aborted) tokens += 1;
      return !signal.aborted;
    },
    learn: (answer) => {
      fill();
      perSecond = answer.perSecond ?? perSecond;
      // Somebody else has used it too.
      if (answer.isTooMuch) tokens = Math.min(tokens, 0);
    },
    refillMs: () => {
      fill();
      return Math.ceil(((burst - tokens) * 1_000) / perSecond);
    },
  };
}

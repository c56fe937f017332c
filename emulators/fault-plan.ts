/** What goes wrong with one request. */
export type Fault =
  /** The answer comes late. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** The connection ends before anything is done. */
  | { readonly kind: 'reset_before' }
  /** The work is done, and the connection ends before the answer. */
  | { readonly kind: 'reset_after' }
  /** The work is done, and half of the answer arrives. */
  | { readonly kind: 'truncated' }
  /** Nothing is done: an answer of the server's own, such as 500 or 429. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    };

export type FaultRule = {
  /** Part of `METHOD /path`; absent: every request. */
  readonly route?: string | RegExp;
  /** Of the requests it is about, this share is hit: 0 to 1. */
  readonly share: number;
  readonly fault: Fault;
  /** So many requests in a row are hit once it hits: a burst. Default 1. */
  readonly burst?: number;
};

/** Decides request by request what goes wrong: the same seed gives the same faults in a row. */
export class FaultPlan {
  readonly #rules: readonly FaultRule[];
  readonly #left = new Map<FaultRule, number>();
  #state: number;

  constructor(rules: readonly FaultRule[] = [], seed = 1) {
    this.#rules = rules;
    this.#state = seed >>> 0;
  }

  /** The fault for a request, if any: the first rule that hits. */
  next(method: string, path: string): Fault | undefined {
    const text = `${method} ${path}`;
    for (const rule of this.#rules) {
      const { route } = rule;
      const isMeant =
        route === undefined ||
        (typeof route === 'string' ? text.includes(route) : route.test(text));
      if (!isMeant) continue;
      const left = this.#left.get(rule) ?? 0;
      if (left > 0) {
        this.#left.set(rule, left - 1);
        return rule.fault;
      }
      if (this.#random() < rule.share) {
        this.#left.set(rule, (rule.burst ?? 1) - 1);
        return rule.fault;
      }
    }
    return undefined;
  }

  /** mulberry32: small, seeded, and good enough to spread faults. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
}

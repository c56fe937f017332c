import type { Picture } from './picture.ts';

/** So many of the newest changes count. */
const kept = 500;

/** What is known of how long changes took to reach a vendor. */
export type Lag = { readonly p50Ms: number; readonly p99Ms: number };

/** Collects sync lags, by vendor, from one picture to the next. */
export class Lags {
  readonly #samples = new Map<string, number[]>();
  readonly #known = new Map<string, number>();

  take({ vendors }: Picture): void {
    for (const { kind, shown } of vendors) {
      const samples = this.#samples.get(kind) ?? [];
      this.#samples.set(kind, samples);
      for (const [sku, { isRight, lagMs, version }] of shown) {
        const id = `${kind} ${sku}`;
        // Each version once, when it is there.
        if (!isRight || this.#known.get(id) === version) continue;
        const isFirst = !this.#known.has(id);
        this.#known.set(id, version);
        // The opening stock is older than the channel.
        if (!isFirst && lagMs !== null) samples.push(lagMs);
      }
      if (samples.length > kept) samples.splice(0, samples.length - kept);
    }
  }

  /** Undefined: nothing was seen yet. */
  of(kind: string): Lag | undefined {
    const sorted = (this.#samples.get(kind) ?? []).toSorted((a, b) => a - b);
    if (sorted.length === 0) return undefined;
    const at = (share: number): number => {
      return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0;
    };
    return { p50Ms: at(0.5), p99Ms: at(0.99) };
  }
}

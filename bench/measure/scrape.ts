import { adminKey } from '../service.ts';

/** Samples of /metrics by their name with labels, as the text has them. */
export type Scrape = ReadonlyMap<string, number>;

/** Reads a service's figures for Prometheus. */
export async function scrape(url: string): Promise<Scrape> {
  const headers = { authorization: `Bearer ${adminKey}` };
  const text = await (await fetch(`${url}/metrics`, { headers })).text();
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

/** The mean of what a histogram took up between two scrapes. */
export function meanBetween(before: Scrape, after: Scrape, name: string): number {
  const grown = (sample: string): number => (after.get(sample) ?? 0) - (before.get(sample) ?? 0);
  return grown(`${name}_sum`) / grown(`${name}_count`);
}

/**
 * A quantile of what a histogram took up between two scrapes, interpolated inside its bucket as
 * Prometheus' histogram_quantile does.
 * @param labels as in the text, without `le`: `channel="a"`
 */
export function quantileBetween(
  before: Scrape,
  after: Scrape,
  { name, labels, share }: { name: string; labels: string; share: number },
): number {
  const own = [...after.keys()].filter(
    (sample) => sample.startsWith(`${name}_bucket{`) && sample.includes(labels),
  );
  const buckets = own
    .map((sample) => ({
      limit: Number(/le="([^"]*)"/.exec(sample)?.[1]?.replace('+Inf', 'Infinity')),
      count: (after.get(sample) ?? 0) - (before.get(sample) ?? 0),
    }))
    .toSorted((a, b) => a.limit - b.limit);
  const rank = (buckets.at(-1)?.count ?? Number.NaN) * share;
  let lower = { limit: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.count >= rank) {
      if (bucket.limit === Infinity) return lower.limit;
      const inside = (rank - lower.count) / (bucket.count - lower.count || 1);
      return lower.limit + (bucket.limit - lower.limit) * inside;
    }
    lower = bucket;
  }
  return Number.NaN;
}

import type { Tools } from '../tools.ts';
import { runAutocannon } from './autocannon.ts';
import { runWrk } from './wrk.ts';

/** Which SKU a request takes; they are called SKU-1, SKU-2, … */
export type SkuChoice = {
  readonly kind: 'uniform' | 'one' | 'zipf';
  readonly count: number;
  /** Distance between the numbers, to spread a few over a large table. */
  readonly stride?: number;
};

export type HttpLoad = {
  readonly url: string;
  readonly apiKey: string;
  readonly request: 'adjust' | 'reserve' | 'mutations' | 'get-level';
  readonly skus: SkuChoice;
  /** Lines of an order, or mutations of a request. */
  readonly lines?: number;
  readonly connections: number;
  readonly seconds: number;
  /** Refusals are expected, and counted by their status; it takes more of the machine. */
  readonly tellApart?: boolean;
};

/** What one run of a load generator found. */
export type LoadSample = {
  /** Successful requests or transactions for each second. */
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly seconds: number;
  /** Requests that did not succeed, by what came back. */
  readonly failures: Failures;
};

export type Failures = {
  /** 409: refused, for contention or for lack of stock. */
  readonly conflict: number;
  /** 503: told to come again. */
  readonly busy: number;
  /** Any other 5xx. */
  readonly fault: number;
  /** 3xx and 4xx but 409. */
  readonly other: number;
  /** Connections refused, broken or timed out. */
  readonly socket: number;
  /** Requests that succeeded with refused mutations in them. */
  readonly rejected: number;
  /** 4xx and 5xx that were not told apart. */
  readonly unsorted: number;
};

export const noFailures: Failures = {
  conflict: 0,
  busy: 0,
  fault: 0,
  other: 0,
  socket: 0,
  rejected: 0,
  unsorted: 0,
};

/** All failures of several samples, added up. */
export function sumFailures(samples: readonly LoadSample[]): Failures {
  const names = Object.keys(noFailures) as (keyof Failures)[];
  const sums = names.map((name) => [name, samples.reduce((n, s) => n + s.failures[name], 0)]);
  return Object.fromEntries(sums) as Failures;
}

/** `2 conflict, 1 fault`, or an empty text. */
export function describeFailures(failures: Failures): string {
  return Object.entries(failures)
    .flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : []))
    .join(', ');
}

/** Sends requests for some seconds, the next on each connection as soon as the last is answered. */
export async function runHttpLoad(load: HttpLoad, tools: Tools): Promise<LoadSample> {
  return tools.wrk === undefined
    ? await runAutocannon(load)
    : await runWrk(load, tools.wrk, tools.chrt);
}

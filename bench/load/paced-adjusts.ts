import { setTimeout } from 'node:timers/promises';
import { Pool } from 'undici';
import { percentile } from '../measure/statistics.ts';
import type { HttpLoad } from './http-load.ts';
import { createRequestMaker } from './request-mix.ts';

export type PacedSample = {
  readonly sent: number;
  readonly failed: number;
  /** Answers with 2xx for each second, from the first request to the last answer. */
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

/** More than this unanswered, and the service is not keeping up: no point in piling on. */
const mostUnanswered = 5_000;
const tickMs = 4;

/**
 * Sends requests at a steady rate, however long the answers take: a slow answer must not slow down
 * the clock by which the next request is due.
 */
export async function runPacedLoad(load: HttpLoad, perSecond: number): Promise<PacedSample> {
  const pool = new Pool(load.url, { connections: load.connections, pipelining: 1 });
  const nextRequest = createRequestMaker(load);
  const authorization = `Bearer ${load.apiKey}`;
  const latencies: number[] = [];
  let failed = 0;
  const open = new Set<Promise<void>>();
  const send = async (): Promise<void> => {
    const { headers, body = null, ...request } = nextRequest();
    const sentAt = performance.now();
    const answer = await pool.request({ ...request, body, headers: { ...headers, authorization } });
    await answer.body.dump();
    if (answer.statusCode >= 300) failed += 1;
    else latencies.push(performance.now() - sentAt);
  };
  const startedAt = performance.now();
  let sent = 0;
  for (;;) {
    const elapsed = (performance.now() - startedAt) / 1000;
    if (elapsed >= load.seconds || open.size > mostUnanswered) break;
    for (; sent < elapsed * perSecond; sent += 1) {
      const one: Promise<void> = send()
        .catch(() => void (failed += 1))
        .finally(() => open.delete(one));
      open.add(one);
    }
    await setTimeout(tickMs);
  }
  await Promise.all(open);
  const seconds = (performance.now() - startedAt) / 1000;
  await pool.close();
  return {
    sent,
    failed,
    rate: latencies.length / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  };
}

import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { percentile } from '../measure/statistics.ts';
import { noFailures, type LoadSample } from './http-load.ts';
import { createPicker } from './request-mix.ts';
import type { SqlLoad } from './sql-load.ts';

/** The stand-in for pgbench. It takes more of the machine, so the baseline comes out slower. */
export async function runPgLoop(load: SqlLoad): Promise<LoadSample> {
  const { connectionString } = load;
  const clients = Array.from({ length: load.clients }, () => new Client({ connectionString }));
  await Promise.all(clients.map((client) => client.connect()));
  const pick = createPicker(load.skus);
  const latencies: number[] = [];
  const startedAt = performance.now();
  const until = startedAt + load.seconds * 1000;
  try {
    await Promise.all(clients.map((client) => callUntil(client, until, pick, latencies)));
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    rate: latencies.length / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    seconds,
    failures: noFailures,
  };
}

async function callUntil(
  client: Client,
  until: number,
  pick: () => number,
  latencies: number[],
): Promise<void> {
  for (let now = performance.now(); now < until;) {
    await client.query({
      name: 'bench_adjust',
      text: 'select bench_adjust($1, -1, $2)',
      values: [`SKU-${pick()}`, randomBytes(8).toString('hex')],
    });
    const after = performance.now();
    latencies.push(after - now);
    now = after;
  }
}

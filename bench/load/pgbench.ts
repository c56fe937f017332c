import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { percentile } from '../measure/statistics.ts';
import { run } from '../processes.ts';
import { noFailures, type LoadSample, type SkuChoice } from './http-load.ts';
import type { SqlLoad } from './sql-load.ts';

/** A round of which nothing was left is made again, for twice and for four times as long. */
const stretches = [1, 2, 4];

/**
 * Runs the baseline's transaction in pgbench, one thread for all clients. Its time begins before
 * they are connected: on a machine that is short of processors 64 of them may need all of it.
 */
export async function runPgbench(load: SqlLoad, program: string): Promise<LoadSample> {
  for (const stretch of stretches) {
    const sample = await runOnce({ ...load, seconds: load.seconds * stretch }, program);
    if (sample.rate > 0) return sample;
  }
  throw new Error(`pgbench made no transaction with ${load.clients} clients`);
}

async function runOnce(load: SqlLoad, program: string): Promise<LoadSample> {
  const name = `pgbench-${randomUUID()}`;
  const script = join(load.folder, `${name}.sql`);
  await writeFile(script, scriptFor(load.skus));
  try {
    const output = await run({
      program,
      args: [
        '--no-vacuum',
        '--protocol=prepared',
        `--file=${script}`,
        `--client=${load.clients}`,
        `--time=${load.seconds}`,
        '--log',
        `--log-prefix=${join(load.folder, name)}`,
      ],
      env: connectionEnvironment(load.connectionString),
    });
    return sampleFrom(output, await readLatencies(load.folder, name), load.seconds);
  } finally {
    await removeFiles(load.folder, name);
  }
}

/** The key is random, as clients' keys are; the server makes text of it. */
function scriptFor({ kind, count }: SkuChoice): string {
  const numbers = {
    one: '1',
    uniform: `random(1, ${count})`,
    zipf: `random_zipfian(1, ${count}, 1.1)`,
  };
  return `\\set sku ${numbers[kind]}
\\set key random(1, 9000000000000000000)
select bench_adjust('SKU-' || (:sku)::bigint, -1, to_hex((:key)::bigint));
`;
}

/** In the environment and not in the arguments: the process list is for everybody to read. */
function connectionEnvironment(connectionString: string): Record<string, string> {
  const url = new URL(connectionString);
  return {
    PGHOST: url.hostname,
    PGPORT: url.port,
    PGUSER: decodeURIComponent(url.username),
    PGPASSWORD: decodeURIComponent(url.password),
    PGDATABASE: url.pathname.slice(1),
  };
}

function sampleFrom(output: string, latencies: readonly number[], seconds: number): LoadSample {
  const count = Number(/transactions actually processed: (\d+)/.exec(output)?.[1]);
  // Without any transaction it says that its rate is not a number.
  const rate = count === 0 ? 0 : Number(/^tps = ([\d.]+)/m.exec(output)?.[1]);
  const failed = Number(/number of failed transactions: (\d+)/.exec(output)?.[1] ?? 0);
  if (!Number.isFinite(rate)) throw new Error(`pgbench said nothing of its rate: ${output}`);
  return {
    rate,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    seconds,
    failures: { ...noFailures, fault: failed },
  };
}

/** The third column of pgbench's log is a transaction's time in microseconds. */
async function readLatencies(folder: string, name: string): Promise<number[]> {
  const logs = (await readdir(folder)).filter((file) => file.startsWith(`${name}.`));
  const texts = await Promise.all(
    logs.filter((file) => /\.\d+$/.test(file)).map((file) => readFile(join(folder, file), 'utf8')),
  );
  return texts
    .flatMap((text) => text.trimEnd().split('\n'))
    .map((line) => Number(line.split(' ', 3)[2]) / 1000);
}

async function removeFiles(folder: string, name: string): Promise<void> {
  const own = (await readdir(folder)).filter((file) => file.startsWith(name));
  await Promise.all(own.map((file) => rm(join(folder, file), { force: true })));
}

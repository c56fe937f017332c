import { readFile } from 'node:fs/promises';
import type { LoadSample } from '../load/http-load.ts';
import type { Shop } from '../shop.ts';
import { describeCost, measureCost, type Cost } from './cost.ts';
import { readDatabaseFigures } from './database-figures.ts';
import { readCpuSeconds } from './process-figures.ts';
import { meanBetween, scrape } from './scrape.ts';
import { formatNumber } from './statistics.ts';

/** What a run cost, and why its requests took as long as they did. */
export type Observation = {
  readonly sample: LoadSample;
  readonly batchCommands: number;
  readonly queueMs: number;
  readonly readMs: number;
  readonly commitMs: number;
  readonly attempts: number;
  /** Processor time of the service for one request, in µs. */
  readonly cpuMicroseconds: number;
  readonly cost: Cost;
  /** Share of updates of levels that stayed on their page. */
  readonly hotShare: number;
  readonly deadlocks: number;
  /** Messages that the relay had not taken some seconds after the run. */
  readonly unrelayed: number;
  /** The first error in the service's log, when requests failed. */
  readonly firstError: string | undefined;
};

/** Runs a load against a shop and looks at the service and at Postgres before and after. */
export async function observe(
  shop: Shop,
  runLoad: () => Promise<LoadSample>,
): Promise<Observation> {
  const { connectionString, service } = shop;
  const look = async () => ({
    database: await readDatabaseFigures(connectionString),
    metrics: await scrape(service.url),
    cpuSeconds: await readCpuSeconds(service.process.pid),
  });
  const before = await look();
  const { sample, cost } = await measureCost(shop, runLoad);
  const after = await look();
  const requests = sample.rate * sample.seconds;
  const mean = (name: string): number => meanBetween(before.metrics, after.metrics, name);
  const grown = (key: keyof typeof before.database): number =>
    after.database[key] - before.database[key];
  return {
    sample,
    batchCommands: mean('onhand_batch_commands'),
    queueMs: mean('onhand_batch_queue_seconds') * 1000,
    readMs: mean('onhand_batch_read_seconds') * 1000,
    commitMs: mean('onhand_batch_commit_seconds') * 1000,
    attempts: mean('onhand_batch_attempts'),
    cpuMicroseconds: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / requests,
    cost,
    hotShare: grown('levelHotUpdates') / grown('levelUpdates'),
    deadlocks: grown('deadlocks'),
    unrelayed: 0,
    firstError:
      sample.failures.fault + sample.failures.unsorted > 0
        ? await readFirstError(service.logFile)
        : undefined,
  };
}

async function readFirstError(logFile: string): Promise<string | undefined> {
  const lines = (await readFile(logFile, 'utf8')).split('\n');
  return lines.find((line) => /"level":[56]0/.test(line))?.slice(0, 1_000);
}

/** One line for the notes of a row. */
export function describeObservation(seen: Observation): string {
  const figures = [
    `${formatNumber(seen.batchCommands)} commands a batch`,
    `queue ${formatNumber(seen.queueMs)} ms`,
    `read ${formatNumber(seen.readMs)} ms`,
    `commit ${formatNumber(seen.commitMs)} ms`,
    `${formatNumber(seen.attempts)} attempts`,
    `a request: service ${formatNumber(seen.cpuMicroseconds)} µs CPU`,
    describeCost(seen.cost),
    `${formatNumber(seen.hotShare * 100)} % HOT`,
    ...(seen.unrelayed > 0 ? [`${formatNumber(seen.unrelayed)} messages not relayed in time`] : []),
    ...(seen.firstError === undefined ? [] : [`first error: ${seen.firstError}`]),
  ];
  return figures.join(', ');
}

import type { Tools } from '../tools.ts';
import type { LoadSample, SkuChoice } from './http-load.ts';
import { runPgbench } from './pgbench.ts';
import { runPgLoop } from './pg-loop.ts';

/** Calls of `bench_adjust`, one transaction each, prepared. */
export type SqlLoad = {
  readonly connectionString: string;
  readonly skus: SkuChoice;
  readonly clients: number;
  readonly seconds: number;
  /** For files that are written meanwhile. */
  readonly folder: string;
};

/** Runs transactions for some seconds, the next on each client as soon as the last has ended. */
export async function runSqlLoad(load: SqlLoad, tools: Tools): Promise<LoadSample> {
  return tools.pgbench === undefined
    ? await runPgLoop(load)
    : await runPgbench(load, tools.pgbench);
}

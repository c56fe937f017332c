import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { run } from '../processes.ts';
import type { HttpLoad, LoadSample } from './http-load.ts';

type Result = {
  requests: number;
  us: number;
  p50: number;
  p99: number;
  other: number;
  conflict: number;
  busy: number;
  fault: number;
  rejected: number;
  socket: number;
  unsorted: number;
};

const scripts = fileURLToPath(new URL('../wrk/', import.meta.url));

/**
 * One thread: on two cores a second would take from the server what it measures. As batch work
 * (SCHED_BATCH) where that can be: else each answer wakes it, and the kernel may push the server
 * aside for it in the middle of the next one.
 */
export async function runWrk(
  load: HttpLoad,
  wrk: string,
  chrt: string | undefined,
): Promise<LoadSample> {
  const { skus, connections, seconds } = load;
  const choice = [skus.kind, skus.count, skus.stride ?? 1, load.lines ?? 1].map(String);
  const apart = load.tellApart === true ? ['apart'] : [];
  const output = await run({
    program: chrt ?? wrk,
    args: [
      ...(chrt === undefined ? [] : ['-b', '0', wrk]),
      '--threads=1',
      `--connections=${connections}`,
      `--duration=${seconds}s`,
      '--timeout=10s',
      `--script=${scripts}${load.request}.lua`,
      load.url,
      '--',
      load.apiKey,
      String(randomInt(2 ** 31)),
      ...choice,
      ...apart,
    ],
  });
  const line = /^RESULT (.*)$/m.exec(output)?.[1];
  if (line === undefined) throw new Error(`wrk said nothing of its result: ${output}`);
  const result = JSON.parse(line) as Result;
  const { other, conflict, busy, fault, rejected, socket, unsorted } = result;
  const failed = other + conflict + busy + fault + unsorted;
  const took = result.us / 1e6;
  return {
    rate: (result.requests - failed) / took,
    p50Ms: result.p50 / 1000,
    p99Ms: result.p99 / 1000,
    seconds: took,
    failures: { other, conflict, busy, fault, rejected, socket, unsorted },
  };
}

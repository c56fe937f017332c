import type { PartName, ProofOptions } from './options.ts';

/** How a part is run: a program of the project, with the settings that make it large or small. */
export type PartCommand = {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

const vitest = 'node_modules/vitest/vitest.mjs';

/** @param results where a part may write a file of its own */
export function commandOf(
  part: PartName,
  { scale, seed }: Pick<ProofOptions, 'scale' | 'seed'>,
  results: string,
): PartCommand {
  const { modelRuns, historyRequests, deliveryRequests, faultRequests } = scale;
  switch (part) {
    case 'model':
      return {
        args: [vitest, 'run', 'test/invariants/model.test.ts'],
        env: { MODEL_RUNS: `${modelRuns}`, MODEL_SEED: `${seed}` },
      };
    case 'history':
      return {
        args: [vitest, 'run', 'test/concurrency/history.test.ts'],
        env: { HISTORY_REQUESTS: `${historyRequests}`, HISTORY_SEED: `${seed}` },
      };
    case 'delivery':
      return {
        args: [vitest, 'run', 'test/concurrency/delivery.test.ts'],
        env: { DELIVERY_REQUESTS: `${deliveryRequests}`, DELIVERY_SEED: `${seed}` },
      };
    case 'faults':
      return {
        // One after the other: a fault must not hit the load of another.
        args: [vitest, 'run', 'test/faults', '--no-file-parallelism'],
        env: { FAULT_REQUESTS: `${faultRequests}`, FAULT_SEED: `${seed}` },
      };
    default:
      return { args: ['test/controls/main.ts', '--json', results], env: {} };
  }
}

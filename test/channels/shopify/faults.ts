import type { FaultRule } from '../../../emulators/fault-plan.ts';

const throttled = {
  errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
  extensions: {
    cost: {
      requestedQueryCost: 12,
      actualQueryCost: null,
      throttleStatus: { maximumAvailable: 2_000, currentlyAvailable: 11, restoreRate: 500 },
    },
  },
};

/** One call in five fails somehow, one in twenty is done and not answered, and bursts of 429. */
export const unkindly: readonly FaultRule[] = [
  { share: 0.05, fault: { kind: 'reset_after' } },
  { share: 0.04, fault: { kind: 'reset_before' } },
  { share: 0.03, fault: { kind: 'truncated' } },
  { share: 0.04, fault: { kind: 'status', status: 502 } },
  { share: 0.02, fault: { kind: 'status', status: 200, body: throttled }, burst: 3 },
  {
    share: 0.01,
    fault: { kind: 'status', status: 429, headers: { 'retry-after': '0' } },
    burst: 3,
  },
];

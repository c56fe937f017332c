import type { FaultRule } from '../../emulators/fault-plan.ts';

/** One call in five fails somehow, one in twenty is done and not answered, and bursts of 429. */
export const unkindly: readonly FaultRule[] = [
  { share: 0.05, fault: { kind: 'reset_after' } },
  { share: 0.04, fault: { kind: 'reset_before' } },
  { share: 0.03, fault: { kind: 'truncated' } },
  { share: 0.04, fault: { kind: 'status', status: 502, body: 'Bad gateway' } },
  {
    share: 0.02,
    fault: { kind: 'status', status: 429, headers: { 'retry-after': '0' } },
    burst: 3,
  },
];

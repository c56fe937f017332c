import { FaultPlan, type FaultRule } from '../emulators/fault-plan.ts';

/** What an unkind vendor does: one call in four is slow or fails, in every way there is. */
const unkind: readonly FaultRule[] = [
  { share: 0.05, fault: { kind: 'latency', ms: 800 } },
  { share: 0.05, fault: { kind: 'reset_after' } },
  { share: 0.04, fault: { kind: 'reset_before' } },
  { share: 0.03, fault: { kind: 'truncated' } },
  { share: 0.05, fault: { kind: 'status', status: 502, body: 'Bad gateway' } },
  {
    share: 0.02,
    fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    burst: 3,
  },
];

export function faultsOf(isUnkind: boolean): FaultPlan {
  return new FaultPlan(isUnkind ? unkind : [], Date.now());
}

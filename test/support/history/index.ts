export { checkHistory, ttlsOf } from './check-history.ts';
export { levelsOf } from './judge.ts';
export { nameOf } from './operation.ts';
export { availableAt, momentsOf, nothing, replayLedger, type State, type Story } from './replay.ts';
export { readEvidence } from './evidence.ts';
export { runLoad, startLoad, type Load, type LoadOptions } from './load.ts';
export type {
  Evidence,
  History,
  LedgerRow,
  LevelRow,
  Operation,
  Violation,
  ViolationKind,
} from './operation.ts';
export { nowMs } from './send.ts';
export { randomFrom, seedFrom, type Random } from './random.ts';
export { summarise, versionsIn, type Summary } from './summary.ts';

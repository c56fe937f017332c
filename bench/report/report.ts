import type { Machine } from '../measure/machine.ts';
import type { Row } from './row.ts';

/** Everything that one run of the benchmark found. */
export type Report = {
  /** `some`: only the workloads that were asked for. */
  readonly kind: 'full' | 'quick' | 'some';
  /** RFC 3339. */
  readonly startedAt: string;
  readonly minutes: number;
  readonly command: string;
  readonly machine: Machine;
  readonly rows: readonly Row[];
};

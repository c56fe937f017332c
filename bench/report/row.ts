import type { Equipment } from '../equipment.ts';

/** One condition of a bar, with what was found. */
export type Check = { readonly says: string; readonly passed: boolean };

/** What a workload found. */
export type Outcome = {
  readonly ours: string;
  readonly baseline: string;
  readonly ratio: string;
  readonly checks: readonly Check[];
  /** For the reader: what was scaled down, where time went. */
  readonly notes?: readonly string[];
  /** Everything that was measured, for the JSON file. */
  readonly details: unknown;
};

/** One row of the table, as the issue has it. */
export type Workload = {
  readonly name: string;
  readonly title: string;
  readonly against: string;
  readonly bar: string;
  run(equipment: Equipment): Promise<Outcome>;
};

export type Row = Omit<Workload, 'run'> & {
  readonly passed: boolean;
  readonly outcome: Outcome;
  readonly seconds: number;
};

/** Nothing was found: the workload itself broke. */
export function brokenOutcome(error: unknown): Outcome {
  const says = error instanceof Error ? error.message : String(error);
  return {
    ours: '–',
    baseline: '–',
    ratio: '–',
    checks: [{ says: says.replaceAll(/\s+/g, ' ').slice(0, 1_000), passed: false }],
    details: { error: says },
  };
}

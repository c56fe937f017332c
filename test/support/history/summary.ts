import type { Evidence, History, Violation } from './operation.ts';

/** What a run comes to. All but `recoverySeconds` are counts. */
export type Summary = {
  /** Operations asked for, reads included. */
  readonly requests: number;
  readonly ok: number;
  readonly refused: number;
  /** Operations that were for a while, or are still, without an answer. */
  readonly unknown: number;
  readonly lost: number;
  readonly doubled: number;
  readonly oversold: number;
  readonly unexpected: number;
  /** Deliveries that a channel took more than once. */
  readonly duplicates: number;
  /** Everything else that a checker found. */
  readonly otherViolations: number;
  /** From the fault to the first answer of success after it; null where there was no fault. */
  readonly recoverySeconds: number | null;
};

const counted = ['lost', 'doubled', 'oversold', 'unexpected'] as const;

function isOther({ kind }: Violation): boolean {
  return !counted.some((known) => known === kind);
}

/** The figures of a history and of what was found in it. */
export function summarise(
  { operations }: History,
  violations: readonly Violation[],
  more: Partial<Pick<Summary, 'duplicates' | 'recoverySeconds'>> = {},
): Summary {
  const count = (kind: string): number => violations.filter((found) => found.kind === kind).length;
  const answered = (kind: string): number =>
    operations.filter(({ outcome }) => outcome.kind === kind).length;
  return {
    requests: operations.length,
    ok: answered('ok'),
    refused: answered('refused'),
    unknown: operations.filter(({ unknownAttempts }) => unknownAttempts > 0).length,
    lost: count('lost'),
    doubled: count('doubled'),
    oversold: count('oversold'),
    unexpected: count('unexpected'),
    duplicates: 0,
    otherViolations: violations.filter(isOther).length,
    recoverySeconds: null,
    ...more,
  };
}

/** How many versions the levels have had: commands, each at one level. */
export function versionsIn({ levels }: Evidence): number {
  return levels.reduce((sum, { version }) => sum + version, 0);
}

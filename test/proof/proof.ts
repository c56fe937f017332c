import type { Figures, ReportLine } from '../support/report.ts';
import type { PartName, Scale } from './options.ts';

/** What became of one part. */
export type PartResult = {
  readonly part: PartName;
  readonly passed: boolean;
  readonly seconds: number;
  readonly reports: readonly Pick<ReportLine, 'name' | 'figures'>[];
};

/** Sums over all parts; what must be zero, and what was done to find out. */
export type Totals = {
  readonly operations: number;
  readonly unknown: number;
  readonly faults: number;
  readonly lost: number;
  readonly oversold: number;
  readonly doubled: number;
  readonly unexpected: number;
  readonly otherViolations: number;
  readonly duplicates: number;
  readonly versions: number;
  readonly longestRecoverySeconds: number | null;
  readonly controls: number;
  readonly redControls: number;
};

export type Proof = {
  readonly startedAt: string;
  readonly minutes: number;
  readonly seed: number;
  readonly scale: Scale['name'];
  readonly machine: Readonly<Record<string, string>>;
  readonly passed: boolean;
  readonly totals: Totals;
  readonly parts: readonly PartResult[];
};

/** Adds up what the parts reported. */
export function totalsOf(parts: readonly PartResult[]): Totals {
  const figures = parts.flatMap(({ reports }) => reports.map((report) => report.figures));
  const sum = (name: string): number =>
    figures.reduce((total, one) => total + numberIn(one, name), 0);
  const recoveries = figures.flatMap(({ recoverySeconds }) =>
    typeof recoverySeconds === 'number' ? [recoverySeconds] : [],
  );
  return {
    operations: sum('requests') + sum('steps'),
    unknown: sum('unknown'),
    faults: sum('faults'),
    lost: sum('lost'),
    oversold: sum('oversold'),
    doubled: sum('doubled'),
    unexpected: sum('unexpected'),
    otherViolations: sum('otherViolations') + sum('wentBack') + sum('wrongAtEnd'),
    duplicates: sum('duplicates'),
    versions: sum('versions'),
    longestRecoverySeconds: recoveries.length === 0 ? null : Math.max(...recoveries),
    controls: sum('controls'),
    redControls: sum('red'),
  };
}

/** Whether all parts passed and nothing was found that must not be. */
export function isProven(parts: readonly PartResult[], totals: Totals): boolean {
  const { lost, oversold, doubled, unexpected, otherViolations, controls, redControls } = totals;
  const found = lost + oversold + doubled + unexpected + otherViolations;
  return parts.every(({ passed }) => passed) && found === 0 && controls === redControls;
}

function numberIn(figures: Figures, name: string): number {
  const value = figures[name];
  return typeof value === 'number' ? value : 0;
}

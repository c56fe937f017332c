import type { Figures } from '../support/report.ts';
import type { PartResult, Proof } from './proof.ts';

const begin = '<!-- proof:begin -->';
const end = '<!-- proof:end -->';

/** Puts the figures of a run between the markers of the page; the rest of it stays. */
export function updatePage(page: string, proof: Proof): string {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the page has no ${begin} … ${end}`);
  return `${page.slice(0, from + begin.length)}\n${section(proof)}\n${page.slice(to)}`;
}

function section({ startedAt, passed, totals, parts, machine, ...run }: Proof): string {
  const day = startedAt.slice(0, 10);
  const commit = machine['commit'] ?? 'unknown';
  const minutes = run.minutes < 10 ? run.minutes : Math.round(run.minutes);
  const length = `in ${minutes} minutes, scale ${run.scale}, seed ${run.seed}`;
  const result = passed ? 'Nothing was found.' : '**The run failed.**';
  return `
Run on ${day} at commit ${commit} ${length}. ${result}

| | |
| --- | ---: |
| operations | ${count(totals.operations)} |
| versions of levels that they made | ${count(totals.versions)} |
| without an answer at first, and sent again with their key | ${count(totals.unknown)} |
| faults injected | ${count(totals.faults)} |
| lost | ${totals.lost} |
| oversold | ${totals.oversold} |
| doubled | ${totals.doubled} |
| unexpected | ${totals.unexpected} |
| other violations | ${totals.otherViolations} |
| duplicates that channels took, all of a version they had | ${count(totals.duplicates)} |
| longest recovery | ${recovery(totals.longestRecoverySeconds)} |
| controls that turned red | ${totals.redControls} of ${totals.controls} |

${parts.map(describePart).join('\n')}
${Object.entries(machine)
  .map(([name, value]) => `${name}: ${value}`)
  .join(' · ')}
`;
}

function describePart({ part, passed, seconds, reports }: PartResult): string {
  const result = passed ? 'passed' : '**failed**';
  const lines =
    part === 'faults'
      ? faultTable(reports)
      : reports.map(({ name, figures }) => `- ${name}: ${list(figures)}`);
  return `**${part}**, ${result} in ${seconds} s\n\n${lines.join('\n')}\n`;
}

/** Columns of the table of faults, by the names of their figures. */
const faultColumns = [
  ['faults', 'times'],
  ['requests', 'requests'],
  ['unknown', 'without an answer at first'],
  ['lost', 'lost'],
  ['doubled', 'doubled'],
  ['oversold', 'oversold'],
  ['unexpected', 'unexpected'],
  ['duplicates', 'duplicates'],
  ['recoverySeconds', 'seconds to recover'],
] as const;

function faultTable(reports: PartResult['reports']): readonly string[] {
  return [
    row(['fault', ...faultColumns.map(([, title]) => title)]),
    row(['---', ...faultColumns.map(() => '---:')]),
    ...reports.map(({ name, figures }) =>
      row([name, ...faultColumns.map(([figure]) => cell(figures[figure]))]),
    ),
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function cell(value: Figures[string] | undefined): string {
  return typeof value === 'number' ? count(value) : (value ?? '');
}

function list(figures: Figures): string {
  return Object.entries(figures)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${words(name)} ${typeof value === 'number' ? count(value) : value}`)
    .join(', ');
}

/** `recoverySeconds` → `recovery seconds`. */
function words(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function recovery(seconds: number | null): string {
  return seconds === null ? 'none was needed' : `${seconds} s`;
}

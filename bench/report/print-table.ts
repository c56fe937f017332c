import type { Row } from './row.ts';

/** The result of one row as soon as it is there. */
export function describeRow(row: Row): string {
  const { outcome } = row;
  const checks = outcome.checks.map(({ says, passed }) => `${passed ? '✓' : '✗'} ${says}`);
  const lines = [
    `${row.passed ? 'PASS' : 'FAIL'} ${row.name}: ${row.title}`,
    `  ours ${outcome.ours}, ${row.against} ${outcome.baseline}, ratio ${outcome.ratio}`,
    `  bar: ${row.bar}: ${checks.join('; ')}`,
    ...(outcome.notes ?? []).map((note) => `  ${note}`),
    `  took ${Math.round(row.seconds)} s`,
  ];
  return lines.join('\n');
}

/** All rows, for a terminal. */
export function formatTable(rows: readonly Row[]): string {
  const head = ['workload', 'ours', 'against', 'baseline', 'ratio', 'result'];
  const lines = rows.map(({ name, against, outcome, passed }) => [
    name,
    outcome.ours,
    against,
    outcome.baseline,
    outcome.ratio,
    passed ? 'pass' : 'FAIL',
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const pad = (line: readonly string[]): string =>
    line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return [pad(head), widths.map((width) => '-'.repeat(width)).join('  '), ...lines.map(pad)].join(
    '\n',
  );
}

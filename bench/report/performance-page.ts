import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Report } from './report.ts';
import type { Row } from './row.ts';

const path = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));

/** Puts a run's table between its markers in docs/performance.md; the rest of the page stays. */
export async function updatePerformancePage(report: Report): Promise<string> {
  const [begin, end] = [`<!-- bench:${report.kind}:begin -->`, `<!-- bench:${report.kind}:end -->`];
  const page = await readFile(path, 'utf8');
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${path} has no ${begin} … ${end}`);
  const text = `${page.slice(0, from + begin.length)}\n${section(report)}\n${page.slice(to)}`;
  await writeFile(path, text);
  return path;
}

function section({ machine, rows, startedAt, minutes, command }: Report): string {
  const day = startedAt.slice(0, 10);
  const passed = rows.filter((row) => row.passed).length;
  return `
Measured on ${day} at commit ${machine.commit} in ${Math.round(minutes)} minutes: ${passed} of
${rows.length} rows at or above their bar.

| workload | against | must reach | ours | baseline | ours / baseline | result |
| --- | --- | --- | --- | --- | --- | --- |
${rows.map(tableLine).join('\n')}

Rates, times and ratios are medians of the rounds, with the lowest and the highest in brackets.

| | |
| --- | --- |
| processor | ${machine.processor}, ${machine.cores} cores, ${machine.memoryGb} GB of memory |
| system | ${machine.system}; its load before the start: ${machine.loadBefore.toFixed(1)} |
| Node | ${machine.node} |
| disk | ${machine.disk} |
| database | ${machine.postgres}, embedded, with the service's own settings; every change durable |
| load | ${machine.http}, ${machine.sql}; on the same machine |
| to repeat it | \`${command}\` |

What each row's bar found:

${rows.map(findings).join('\n')}
`;
}

function tableLine({ title, against, bar, outcome, passed }: Row): string {
  const { ours, baseline, ratio } = outcome;
  const cells = [title, against, bar, ours, baseline, ratio, passed ? 'pass' : '**below**'];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function findings({ name, outcome }: Row): string {
  const checks = outcome.checks.map(({ says, passed }) => (passed ? says : `**not: ${says}**`));
  return `- \`${name}\`: ${[...checks, ...(outcome.notes ?? [])].join('; ')}.`;
}

import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { startTestServer } from '../support/server.ts';
import { controls } from './list/index.ts';
import { runControls, runUnchanged, type ControlResult } from './run-controls.ts';

// `npm run test:controls`: breaks one promise after the other in a copy of the project, and fails
// where the test that guards it stays green.

const usage = `Usage: npm run test:controls -- [options]

  --only <ids>    only the controls with these ids, separated by commas
  --json <file>   write the results there too
  --lanes <n>     how many run at once (default 2)
  --list          print the controls and end
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      json: { type: 'string' },
      lanes: { type: 'string', default: '2' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(usage);
  const chosen = choose(values.only);
  if (values.list) {
    return say(chosen.map(({ id, promise }) => `${id}: ${promise}\n`).join(''));
  }
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => abort.abort());
  const server = await startTestServer();
  try {
    const { signal } = abort;
    const options = { databaseUrl: server.adminUrl, timeoutMs: 600_000, signal };
    say(`the ${chosen.length} tests on the project as it is …\n`);
    const red = await runUnchanged(chosen, options);
    for (const { control, detail } of red) {
      say(`  ${control.test} › ${control.name}\n    does not pass: ${detail}\n`);
    }
    if (red.length > 0 || signal.aborted) return 1;
    const lanes = Math.max(1, Number(values.lanes));
    let ended = 0;
    const results = await runControls(chosen, { ...options, lanes }, (result) => {
      ended += 1;
      say(line(result, ended, chosen.length));
    });
    if (values.json !== undefined) await writeJson(values.json, results);
    return summarize(results, chosen.length);
  } finally {
    await server.stop();
  }
}

function choose(only: string | undefined) {
  const wanted = only?.split(',') ?? controls.map(({ id }) => id);
  const unknown = wanted.filter((id) => !controls.some((control) => control.id === id));
  if (unknown.length > 0) throw new Error(`no control is called ${unknown.join(', ')}`);
  return controls.filter(({ id }) => wanted.includes(id));
}

const said = { red: 'red   ', green: 'GREEN ', broken: 'BROKEN' };

function line(result: ControlResult, ended: number, total: number): string {
  const { id, kind, seconds, detail, test, name } = result;
  const place = `[${String(ended).padStart(String(total).length)}/${total}]`;
  const why = kind === 'red' ? '' : `\n        ${test} › ${name}\n        ${detail}`;
  return `${place} ${said[kind]} ${id} (${seconds.toFixed(1)} s)${why}\n`;
}

function summarize(results: readonly ControlResult[], total: number): number {
  const red = results.filter(({ kind }) => kind === 'red').length;
  say(`${red} of ${total} controls are red\n`);
  return red === total ? 0 : 1;
}

async function writeJson(file: string, results: readonly ControlResult[]): Promise<void> {
  const count = (kind: ControlResult['kind']) => results.filter((r) => r.kind === kind).length;
  const totals = { controls: results.length, red: count('red') };
  const failed = { green: count('green'), broken: count('broken') };
  const sorted = results.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  await writeFile(file, `${JSON.stringify({ ...totals, ...failed, results: sorted }, null, 2)}\n`);
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : 'failed'}\n`);
  return 1;
});

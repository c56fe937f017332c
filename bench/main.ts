import { createEquipment, type Equipment } from './equipment.ts';
import { openLab, type Lab } from './lab.ts';
import { describeDisk } from './measure/disk.ts';
import {
  describeMachine,
  readLoad,
  readProcessorTicks,
  shareStolen,
  type Before,
} from './measure/machine.ts';
import { parseOptions, usage, type Options } from './options.ts';
import { updatePerformancePage } from './report/performance-page.ts';
import { describeRow, formatTable } from './report/print-table.ts';
import type { Report } from './report/report.ts';
import { writeResultFile } from './report/result-file.ts';
import { brokenOutcome, type Outcome, type Row, type Workload } from './report/row.ts';
import { workloads } from './workloads/index.ts';

// `npm run bench`: measures every row of the table and says which are at or above their bar.

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return say(usage);
  if (options.list) return say(`${workloads.map(({ name }) => name).join('\n')}\n`);
  const chosen = choose(options);
  const startedAt = new Date();
  const load = readLoad();
  const opening = openLab(options);
  const interrupted = onInterrupt(opening);
  const lab = await opening;
  try {
    lab.say(`${lab.postgresVersion}; ${lab.tools.http}; ${lab.tools.sql}`);
    if (load > 0.3) lab.say(`the machine is not quiet: its load is ${load.toFixed(1)}`);
    const disk = await describeDisk(lab.folder, options.scale.quick ? 2 : 10);
    lab.say(`disk: ${disk}`);
    const rows = await runAll(chosen, createEquipment(lab), interrupted);
    await report(options, lab, rows, { startedAt, load, disk });
    return rows.every((row) => row.passed) ? 0 : 1;
  } finally {
    await lab.close();
  }
}

function choose({ only }: Options): readonly Workload[] {
  const unknown = only.filter((wanted) => !workloads.some(({ name }) => name === wanted));
  if (unknown.length > 0)
    throw new Error(`no workload is called ${unknown.join(', ')}; see --list`);
  return workloads.filter(({ name }) => only.length === 0 || only.includes(name));
}

/** Ctrl-C ends all that was started before it ends us. */
function onInterrupt(opening: Promise<Lab>): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) return;
    controller.abort();
    process.stderr.write('\nending what was started …\n');
    opening
      .then((lab) => lab.close())
      .catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
      .finally(() => process.exit(130));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}

async function runAll(
  chosen: readonly Workload[],
  equipment: Equipment,
  interrupted: AbortSignal,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const workload of chosen) {
    if (interrupted.aborted) break;
    equipment.lab.say(`\n${workload.name} …`);
    const startedAt = performance.now();
    const ticks = await readProcessorTicks();
    // One that breaks is a row that fails; the others are measured all the same.
    const found = await workload.run(equipment).catch(brokenOutcome);
    const outcome = withStolen(found, shareStolen(ticks, await readProcessorTicks()));
    const { name, title, against, bar } = workload;
    const passed = outcome.checks.every((check) => check.passed);
    const seconds = (performance.now() - startedAt) / 1000;
    const row: Row = { name, title, against, bar, passed, outcome, seconds };
    rows.push(row);
    equipment.lab.say(describeRow(row));
  }
  // Somebody pressed Ctrl-C: half a table is none, and the process is about to end.
  if (interrupted.aborted) await new Promise(() => undefined);
  return rows;
}

/** A row that shared its processors with other machines is read with more care. */
function withStolen(outcome: Outcome, share: number): Outcome {
  if (share < 0.01) return outcome;
  const note = `the host gave ${(share * 100).toFixed(0)} % of the processors' time to others`;
  return { ...outcome, notes: [...(outcome.notes ?? []), note] };
}

async function report(
  { scale, only }: Options,
  lab: Lab,
  rows: readonly Row[],
  { startedAt, ...before }: Before & { readonly startedAt: Date },
): Promise<void> {
  const kind = only.length > 0 ? 'some' : scale.quick ? 'quick' : 'full';
  const found: Report = {
    kind,
    startedAt: startedAt.toISOString(),
    minutes: (Date.now() - startedAt.getTime()) / 60_000,
    command: `npm run bench${scale.quick ? ' -- --quick' : ''}`,
    machine: await describeMachine(lab, before),
    rows,
  };
  say(`\n${formatTable(rows)}\n\n`);
  say(`${await writeResultFile(found)}\n`);
  // A table of some rows only would mix what was measured with what was there before.
  if (kind !== 'some') say(`${await updatePerformancePage(found)}\n`);
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
});

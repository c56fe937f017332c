import { newId } from '../ids.ts';
import {
  approveQuarantine,
  listQuarantine,
  listRuns,
  listSources,
  refuseQuarantine,
  runSource,
  type QuarantineView,
  type RunView,
  type SourceView,
} from '../sources/index.ts';
import { UsageError } from '../errors.ts';
import type { Core } from '../core.ts';
import { startProgress } from '../progress.ts';
import { exitCode } from './exit-code.ts';
import { print, printJson, remark, type CommandIo } from './io.ts';
import { readAll } from './read-all.ts';
import { formatTable } from './table.ts';
import { requireMerchant, withCore } from './with-core.ts';

type Options = { readonly merchant: string; readonly json: boolean };

/** `onhand sources list`: what each owns, how far it was read, and when it is read next. */
export async function sourcesList(io: CommandIo, options: Options): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const sources = await readSources(core, options.merchant);
    if (options.json) printJson(io, sources);
    else {
      const table = formatTable(sources, [
        ['source', (source) => source.sourceId],
        ['kind', (source) => source.kind],
        ['owns', (source) => source.owns.map(({ quantity }) => quantity).join(' ')],
        ['last run', (source) => source.lastRun?.startedAt],
        ['status', (source) => (source.enabled ? source.lastRun?.status : 'disabled')],
        ['applied', (source) => source.lastRun?.applied],
        ['quarantined', (source) => source.lastRun?.quarantined],
        ['next run', (source) => source.nextRunAt],
      ]);
      print(io, sources.length === 0 ? 'no sources' : table);
    }
    return exitCode.ok;
  });
}

/** `onhand sources sync`: reads sources now, in this process; 1 when one did not end well. */
export async function sourcesSync(
  io: CommandIo,
  sourceIds: readonly string[],
  options: Options,
): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const known = await readSources(core, options.merchant);
    for (const sourceId of sourceIds) requireSource(known, sourceId);
    const chosen = known.filter((source) =>
      sourceIds.length === 0 ? source.enabled : sourceIds.includes(source.sourceId),
    );
    const signal = io.stopSignal();
    const runId = newId('run');
    const runs: RunView[] = [];
    for (const { sourceId } of chosen) {
      if (signal.aborted) break;
      const run = await syncOne(io, core, {
        merchantId: options.merchant,
        sourceId,
        runId,
        signal,
      });
      if (run !== undefined) runs.push(run);
    }
    printRuns(io, runs, options.json);
    if (signal.aborted) return exitCode.interrupted;
    const isDone = runs.length === chosen.length && runs.every((run) => run.status === 'succeeded');
    return isDone && runs.every((run) => run.quarantined === 0) ? exitCode.ok : exitCode.found;
  });
}

async function syncOne(
  io: CommandIo,
  core: Core,
  run: {
    readonly merchantId: string;
    readonly sourceId: string;
    readonly runId: string;
    readonly signal: AbortSignal;
  },
): Promise<RunView | undefined> {
  const label = run.sourceId;
  const progress = startProgress({ label, stream: io.stderr, isTerminal: io.isTerminal });
  try {
    const result = await runSource(core.sources, {
      ...run,
      trigger: 'request',
      onPage: (read) => progress.set(read),
    });
    if (result.ok) return result.value;
    progress.note(`${label}: ${result.refusal.detail}`);
    return undefined;
  } finally {
    progress.stop();
  }
}

/** `onhand sources runs`: what became of the items of each run, newest first. */
export async function sourcesRuns(
  io: CommandIo,
  options: Options & { readonly source?: string | undefined; readonly limit: number },
): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const { merchant: merchantId, source: sourceId, limit } = options;
    printRuns(io, (await listRuns(core.db, { merchantId, sourceId, limit })).items, options.json);
    return exitCode.ok;
  });
}

/** `onhand sources quarantine`: reports that wait for a decision; 1 when there are some. */
export async function sourcesQuarantine(
  io: CommandIo,
  options: Options & { readonly source?: string | undefined },
): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const { merchant: merchantId, source: sourceId } = options;
    const waiting = await readAll<QuarantineView, string>((page) =>
      listQuarantine(core.db, { merchantId, sourceId, status: 'pending', ...page }),
    );
    if (options.json) printJson(io, waiting);
    else {
      const table = formatTable(waiting, [
        ['id', (report) => report.quarantineId],
        ['run', (report) => report.runId],
        ['source', (report) => report.sourceId],
        ['store', (report) => report.storeId],
        ['sku', (report) => report.sku],
        ['quantity', (report) => report.quantity],
        ['ours', (report) => report.current],
        ['says', (report) => report.value],
        ['cause', (report) => report.cause],
      ]);
      print(io, waiting.length === 0 ? 'nothing waits' : table);
    }
    return waiting.length === 0 ? exitCode.ok : exitCode.found;
  });
}

/** `onhand sources approve` and `refuse`: decides on one report, or on all of a run. */
export async function sourcesDecide(
  io: CommandIo,
  id: string,
  options: Options & { readonly decision: 'approve' | 'refuse' },
): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const decide = options.decision === 'approve' ? approveQuarantine : refuseQuarantine;
    const input = { merchantId: options.merchant, id, actor: 'command line' };
    const result = await decide(core.sources, input);
    if (!result.ok) throw new UsageError(`${id}: ${result.refusal.detail}`);
    if (options.json) printJson(io, result.value);
    else for (const [what, count] of Object.entries(result.value)) print(io, `${count} ${what}`);
    if (options.decision === 'approve') remark(io, 'orders recorded since are kept on top');
    return exitCode.ok;
  });
}

function readSources(core: Core, merchantId: string): Promise<readonly SourceView[]> {
  return readAll<SourceView, string>((page) => listSources(core.sources, { merchantId, ...page }));
}

function requireSource(known: readonly SourceView[], sourceId: string): void {
  if (known.some((source) => source.sourceId === sourceId)) return;
  throw new UsageError(
    `There is no source "${sourceId}". Make it with PUT /api/sources/${sourceId}.`,
  );
}

function printRuns(io: CommandIo, runs: readonly RunView[], isJson: boolean): void {
  if (isJson) {
    printJson(io, runs);
    return;
  }
  const table = formatTable(runs, [
    ['source', (run) => run.sourceId],
    ['started', (run) => run.startedAt],
    ['status', (run) => run.code ?? run.status],
    ['read', (run) => run.read],
    ['applied', (run) => run.applied],
    ['unchanged', (run) => run.unchanged],
    ['stale', (run) => run.stale],
    ['refused', (run) => run.refused],
    ['held', (run) => run.held],
    ['quarantined', (run) => run.quarantined],
  ]);
  print(io, runs.length === 0 ? 'no runs' : table);
}

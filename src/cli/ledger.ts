import { basename, join, resolve } from 'node:path';
import { userInfo } from 'node:os';
import type { Core } from '../core.ts';
import { UsageError } from '../errors.ts';
import { startProgress, type Progress } from '../progress.ts';
import {
  archivablePartitions,
  archiveMonth,
  countEntries,
  differenceOf,
  listArchives,
  obstacleOf,
  readArchiveFile,
  restoreArchive,
  withArchiveLock,
  type LedgerArchive,
  type LedgerPartition,
} from '../stock/index.ts';
import { exitCode } from './exit-code.ts';
import { print, printJson, remark, type CommandIo } from './io.ts';
import { formatTable } from './table.ts';
import { withCore } from './with-core.ts';

export type ArchiveFlags = {
  readonly before: Date;
  readonly to?: string | undefined;
  readonly keep: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
};
export type FileFlags = { readonly in?: string | undefined; readonly json: boolean };

type PlannedMonth = { readonly partition: LedgerPartition; readonly entries: number };

type MonthReport = {
  readonly partition: string;
  readonly entries: number;
  /** `archived`, `ready` (a dry run) or why not. */
  readonly outcome: string;
  readonly file?: string;
};

/** `onhand ledger archive`: takes old months out of the ledger, oldest first. */
export async function ledgerArchive(io: CommandIo, options: ArchiveFlags): Promise<number> {
  const signal = io.stopSignal();
  return await withCore(io, async (core) =>
    withArchiveLock(core.db, async () => {
      const { db, clock } = core;
      const planned: PlannedMonth[] = [];
      for (const partition of await archivablePartitions(db, options.before, clock.offsetMs)) {
        planned.push({ partition, entries: await countEntries(db, partition) });
      }
      const report = options.dryRun
        ? await Promise.all(planned.map((month) => asPlanned(core, month)))
        : await archivePlanned(io, core, planned, options, signal);
      printReport(io, report, options);
      if (signal.aborted) return exitCode.interrupted;
      const isDone = report.every(({ outcome }) => outcome === 'archived' || outcome === 'ready');
      return isDone ? exitCode.ok : exitCode.found;
    }),
  );
}

async function asPlanned({ db }: Core, { partition, entries }: PlannedMonth): Promise<MonthReport> {
  const outcome = (await obstacleOf(db, partition)) ?? 'ready';
  return { partition: partition.name, entries, outcome };
}

/** A month that cannot be archived ends it: the archive has no gaps. */
async function archivePlanned(
  io: CommandIo,
  { db, config }: Core,
  planned: readonly PlannedMonth[],
  { to, keep }: ArchiveFlags,
  signal: AbortSignal,
): Promise<MonthReport[]> {
  const folder = resolve(to ?? join(config.dataDir, 'ledger-archive'));
  const total = planned.reduce((sum, { entries }) => sum + entries, 0);
  const progress = startEntries(io, 'archive', total);
  const report: MonthReport[] = [];
  try {
    for (const { partition, entries } of planned) {
      if (signal.aborted) break;
      const result = await archiveMonth(db, partition, {
        folder,
        keep,
        archivedBy: userName(),
        onExported: (count) => progress.advance(count),
      });
      const { name } = partition;
      if (!result.ok) {
        report.push({ partition: name, entries, outcome: result.refusal.detail });
        break;
      }
      const { path: file, entries: archived } = result.value;
      report.push({ partition: name, entries: archived, outcome: 'archived', file });
    }
  } finally {
    progress.stop();
  }
  return report;
}

function printReport(
  io: CommandIo,
  report: readonly MonthReport[],
  { json, dryRun }: ArchiveFlags,
): void {
  if (json) return printJson(io, { dryRun, months: report });
  if (report.length === 0) return print(io, 'nothing to archive');
  print(
    io,
    formatTable(report, [
      ['month', ({ partition }) => partition],
      ['entries', ({ entries }) => entries],
      ['outcome', ({ outcome }) => outcome],
      ['file', ({ file }) => file],
    ]),
  );
}

/** `onhand ledger archives`: what was taken out of the ledger. */
export async function ledgerArchives(io: CommandIo, { json }: { json: boolean }): Promise<number> {
  return await withCore(io, async ({ db }) => {
    const archives = await listArchives(db);
    if (json) printJson(io, archives);
    else if (archives.length === 0) print(io, 'nothing is archived');
    else {
      const table = formatTable(archives, [
        ['from', ({ from }) => from],
        ['to', ({ to }) => to],
        ['entries', ({ entries }) => entries],
        ['bytes', ({ bytes }) => bytes],
        ['archived at', ({ archivedAt }) => archivedAt],
        ['by', ({ archivedBy }) => archivedBy],
        ['file', ({ file }) => file],
      ]);
      print(io, table);
    }
    return exitCode.ok;
  });
}

/** `onhand ledger verify`: reads every file again; 1 when one is missing or differs. */
export async function ledgerVerify(io: CommandIo, options: FileFlags): Promise<number> {
  return await withCore(io, async ({ db }) => {
    const archives = await listArchives(db);
    const total = archives.reduce((sum, { entries }) => sum + entries, 0);
    const progress = startEntries(io, 'verify', total);
    const results: { file: string; entries: number; verdict: string }[] = [];
    for (const archive of archives) {
      const file = pathOf(archive, options);
      results.push({ file, entries: archive.entries, verdict: await verdictOf(archive, file) });
      progress.advance(archive.entries);
    }
    progress.stop();
    const isWhole = results.every(({ verdict }) => verdict === 'whole');
    if (options.json) printJson(io, { whole: isWhole, files: results });
    else if (results.length === 0) print(io, 'nothing is archived');
    else {
      const table = formatTable(results, [
        ['file', ({ file }) => file],
        ['entries', ({ entries }) => entries],
        ['verdict', ({ verdict }) => verdict],
      ]);
      print(io, table);
    }
    return isWhole ? exitCode.ok : exitCode.found;
  });
}

/** `whole`, or what is wrong with a file. */
async function verdictOf(archive: LedgerArchive, file: string): Promise<string> {
  try {
    return differenceOf(archive, await readArchiveFile(file)) ?? 'whole';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** `onhand ledger restore`: an archived month as a table to look at. */
export async function ledgerRestore(
  io: CommandIo,
  wanted: Date,
  options: FileFlags,
): Promise<number> {
  return await withCore(io, async ({ db }) => {
    const archives = await listArchives(db);
    const archive = archives.find(({ from, to }) => (from ?? wanted) <= wanted && wanted < to);
    if (archive === undefined) {
      throw new UsageError(
        'That month is not archived. onhand ledger archives lists those that are.',
      );
    }
    const progress = startEntries(io, 'restore', archive.entries);
    const path = pathOf(archive, options);
    const restored = await restoreArchive(db, archive, path, (count) =>
      progress.advance(count),
    ).finally(() => progress.stop());
    if (!restored.ok) {
      remark(io, restored.refusal.detail);
      return exitCode.found;
    }
    const table = restored.value;
    if (options.json) printJson(io, { table, entries: archive.entries });
    else print(io, `${archive.entries} entries are in the table ${table}`);
    return exitCode.ok;
  });
}

function pathOf({ file }: LedgerArchive, { in: folder }: FileFlags): string {
  return folder === undefined ? file : join(resolve(folder), basename(file));
}

function startEntries(io: CommandIo, label: string, total: number): Progress {
  return startProgress({ label, total, stream: io.stderr, isTerminal: io.isTerminal });
}

/** Who runs the command, by the operating system; a container may have no name for its user. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

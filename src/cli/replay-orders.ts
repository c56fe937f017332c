import type { Core } from '../core.ts';
import { startProgress, type Progress } from '../progress.ts';
import { openStock, replayOrders, withReplayLock, type ReplayReport } from '../replay/index.ts';
import { readVerdict, type Verdict } from './audit-verify.ts';
import { exitCode } from './exit-code.ts';
import { printJson, type CommandIo } from './io.ts';
import { openingFromFile, openingFromShare } from './opening.ts';
import { readOrders, surveyOrders, type OrderSurvey } from './order-file.ts';
import { printReplay } from './print-replay.ts';
import { requireMerchant, withCore } from './with-core.ts';

export type ReplayOptions = {
  readonly openingStock?: string | undefined;
  /** What is there at the start, as a part of what the file takes in all. */
  readonly opening: number;
  readonly store: string;
  readonly merchant: string;
  /** The most orders that are decided together. */
  readonly concurrency: number;
  readonly json: boolean;
};

/** What a run has to say for itself. */
export type ReplaySummary = ReplayReport & {
  readonly opened: number;
  /** Rows of the file that belong to orders. */
  readonly lines: number;
  readonly skippedRows: number;
  readonly badRows: number;
  readonly durationMs: number;
  readonly audit: Verdict | undefined;
};

/**
 * `onhand replay orders`: applies the orders of a file to stock, each once. A run that was killed
 * is taken up where it was, and a second run changes nothing. The exit code is the audit's.
 */
export async function replayFile(
  io: CommandIo,
  path: string,
  options: ReplayOptions,
): Promise<number> {
  const startedAt = performance.now();
  const survey = await surveyOrders(path);
  const figures = await openingFigures(io, survey, options);
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const target = { merchantId: options.merchant, storeId: options.store };
    return await withReplayLock(core.db, target, async () => {
      const { opened } = await openStock(core.db, core.writer, target, figures);
      const progress = startProgress({
        label: 'replay',
        total: survey.orders,
        stream: io.stderr,
        isTerminal: io.isTerminal,
      });
      const run = await replay(io, core, path, { options, progress }).finally(() =>
        progress.stop(),
      );
      const audit = run.stopped ? undefined : await readVerdict(core.db);
      const durationMs = Math.round(performance.now() - startedAt);
      const summary: ReplaySummary = { opened, ...run, durationMs, audit };
      if (options.json) printJson(io, summary);
      else printReplay(io, summary);
      if (run.stopped) return exitCode.interrupted;
      return audit?.clean === true ? exitCode.ok : exitCode.found;
    });
  });
}

async function openingFigures(
  io: CommandIo,
  survey: OrderSurvey,
  { openingStock, opening, store }: ReplayOptions,
): Promise<ReadonlyMap<string, number>> {
  return openingStock === undefined
    ? openingFromShare(survey, opening)
    : await openingFromFile(io, survey, { path: openingStock, store });
}

async function replay(
  io: CommandIo,
  core: Core,
  path: string,
  { options, progress }: { options: ReplayOptions; progress: Progress },
): Promise<ReplayReport & Pick<ReplaySummary, 'lines' | 'skippedRows' | 'badRows'>> {
  let lines = 0;
  let skippedRows = 0;
  let badRows = 0;
  const orders = readOrders(path, {
    onLine: () => {
      lines += 1;
    },
    onSkipped: () => {
      skippedRows += 1;
    },
    onBadRow: (line, problem) => {
      badRows += 1;
      progress.note(`line ${line}: ${problem}`);
    },
  });
  const { db, pool, writer, config } = core;
  const { reservations } = config.inventorySync;
  const report = await replayOrders(
    {
      db,
      pool,
      writer,
      target: { merchantId: options.merchant, storeId: options.store },
      ttlSeconds: reservations.ttlHours * 3_600,
    },
    orders,
    {
      batch: options.concurrency,
      onWave: (count) => progress.advance(count),
      onDiffering: ({ orderId }) =>
        progress.note(`order ${orderId}: was replayed with other lines; left alone`),
      signal: io.stopSignal(),
    },
  );
  return { ...report, lines, skippedRows, badRows };
}

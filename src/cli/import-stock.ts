import { startProgress } from '../progress.ts';
import { exitCode } from './exit-code.ts';
import { print, printJson, type CommandIo } from './io.ts';
import { importRows } from './import-rows.ts';
import { countLines } from './line-count.ts';
import { readStockFile, type StockRow } from './stock-file.ts';
import { requireMerchant, withCore } from './with-core.ts';

export type ImportOptions = {
  readonly store: string;
  readonly merchant: string;
  readonly json: boolean;
};

/**
 * `onhand import stock`: sets what is on hand to the figures of a file. They are counts: facts. A
 * figure that stands already is not written, so that a file can be imported again.
 */
export async function importStock(
  io: CommandIo,
  path: string,
  options: ImportOptions,
): Promise<number> {
  const startedAt = performance.now();
  const signal = io.stopSignal();
  // Before the database is opened: a wrong path should say so at once.
  const total = Math.max((await countLines(path)) - 1, 0);
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const progress = startProgress({
      label: 'import',
      total,
      stream: io.stderr,
      isTerminal: io.isTerminal,
    });
    let badRows = 0;
    const onBadRow = (line: number, problem: string): void => {
      badRows += 1;
      progress.note(`line ${line}: ${problem}`);
    };
    let batch: StockRow[] = [];
    const counts = { written: 0, unchanged: 0, stores: 0 };
    const knownStores = new Set<string>();
    const flush = async (): Promise<void> => {
      await importRows(core, { rows: batch, merchantId: options.merchant, knownStores }, counts);
      progress.advance(batch.length);
      batch = [];
    };
    for await (const row of readStockFile(path, options.store, onBadRow)) {
      if (signal.aborted) break;
      batch.push(row);
      if (batch.length >= 500) await flush();
    }
    if (!signal.aborted && batch.length > 0) await flush();
    progress.stop();
    const durationMs = Math.round(performance.now() - startedAt);
    const report = { ...counts, badRows, durationMs, stopped: signal.aborted };
    if (options.json) printJson(io, report);
    else {
      print(io, `written    ${counts.written}`);
      print(io, `unchanged  ${counts.unchanged}`);
      print(io, `stores     ${counts.stores} created`);
      print(io, `bad rows   ${badRows}`);
      print(io, `duration   ${(durationMs / 1000).toFixed(1)} s`);
      if (report.stopped) print(io, 'stopped before the end; run it again to go on');
    }
    if (report.stopped) return exitCode.interrupted;
    return badRows === 0 ? exitCode.ok : exitCode.found;
  });
}

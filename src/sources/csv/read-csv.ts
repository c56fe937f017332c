import { parse } from 'csv-parse/sync';
import {
  failed,
  readItems,
  type OpenSource,
  type ReadOptions,
  type SourceRead,
} from '../source.ts';
import type { CsvConfig, CsvCredentials, CsvOptions } from './kind.ts';
import { loadFile, type LoadedFile } from './load-file.ts';

/** Which file was read how far: a file with another content is another one. */
type Mark = { readonly digest: string; readonly row: number; readonly isDone: boolean };

type Table = { readonly digest: string; readonly rows: readonly unknown[] };

/**
 * Opens a file for one run: it is read once, as a whole, and given out in pages. One that has not
 * changed since it was read to its end has nothing new. A file that cannot be parsed to its last
 * line is a failed read.
 */
export function openCsv(
  config: CsvConfig,
  credentials: CsvCredentials,
  options: CsvOptions,
): OpenSource {
  let table: Table | undefined;
  const load = async (read: ReadOptions): Promise<Table | string> => {
    if (table !== undefined) return table;
    const file = await loadFile(config, credentials, options, read);
    if (typeof file === 'string') return file;
    const rows = rowsOf(file, config, file.writtenAt ?? read.readAt);
    if (rows === undefined) return 'invalid_csv';
    table = { digest: file.digest, rows };
    return table;
  };
  return {
    async changesSince(watermark, read) {
      const found = await load(read);
      if (typeof found === 'string') return failed(found);
      const mark = markOf(watermark);
      const isSame = mark?.digest === found.digest;
      if (isSame && mark.isDone) return pageOf(found, found.rows.length, read.limit, false);
      return pageOf(found, isSame ? mark.row : 0, read.limit, false);
    },
    async snapshot(cursor, read) {
      const found = await load(read);
      if (typeof found === 'string') return failed(found);
      const mark = markOf(cursor);
      // Half of one file and half of another are no picture of anything.
      if (mark !== undefined && mark.digest !== found.digest) return { kind: 'expired' };
      return pageOf(found, mark?.row ?? 0, read.limit, true);
    },
  };
}

function pageOf(table: Table, from: number, limit: number, isSnapshot: boolean): SourceRead {
  const row = Math.min(from + limit, table.rows.length);
  const isDone = row >= table.rows.length;
  const mark: Mark = { digest: table.digest, row, isDone };
  return {
    kind: 'page',
    page: {
      ...readItems(table.rows.slice(from, row)),
      nextWatermark: JSON.stringify(mark),
      hasMore: !isDone,
      isSnapshot,
    },
  };
}

/** Fields in the file's own spelling, from what the contract calls them. */
const spellings: Readonly<Record<string, readonly string[]>> = {
  id: ['id'],
  version: ['version'],
  sku: ['sku'],
  storeId: ['storeId', 'store_id', 'store', 'location'],
  quantity: ['quantity'],
  op: ['op'],
  value: ['value'],
  observedAt: ['observedAt', 'observed_at'],
};

const delimiters = [',', ';', '\t'] as const;

/** What separates the names in the first line; a comma where there is a single one. */
function delimiterOf(text: string): string {
  const names = (/[^\r\n]+/.exec(text)?.[0] ?? '').replaceAll(/"[^"]*"/g, '');
  const count = (delimiter: string): number => names.split(delimiter).length;
  return delimiters.reduce((most, one) => (count(one) > count(most) ? one : most));
}

function rowsOf(
  { text, digest }: LoadedFile,
  config: CsvConfig,
  writtenAt: Date,
): unknown[] | undefined {
  let records: Record<string, string>[];
  try {
    records = parse<Record<string, string>>(text, {
      columns: true,
      bom: true,
      delimiter: config.delimiter ?? delimiterOf(text),
      skip_empty_lines: true,
      trim: true,
    });
  } catch {
    return undefined;
  }
  return records.map((record, index) => {
    const field = (name: string): string | undefined => {
      const names = [config.columns?.[name] ?? [], ...(spellings[name] ?? [])].flat();
      const found = names.map((column) => record[column]).find((cell) => cell !== undefined);
      return found === '' ? undefined : found;
    };
    const op = field('op') ?? 'set';
    // A movement counts once for its id, and the next file's rows are others.
    const row = op === 'adjust' ? `${digest}-row-${index + 1}` : `row-${index + 1}`;
    return {
      id: field('id') ?? row,
      version: field('version'),
      sku: field('sku'),
      storeId: field('storeId') ?? config.storeId,
      quantity: field('quantity') ?? config.quantity ?? 'onHand',
      op,
      value: field('value'),
      observedAt: field('observedAt') ?? writtenAt.toISOString(),
    };
  });
}

function markOf(watermark: string | null): Mark | undefined {
  return watermark === null ? undefined : (JSON.parse(watermark) as Mark);
}

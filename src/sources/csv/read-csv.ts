import { failed, readItems, type OpenSource, type ReadOptions } from '../source.ts';
import type { CsvConfig, CsvCredentials, CsvOptions } from './kind.ts';
import { loadFile } from './load-file.ts';
import { parseInTurns } from './parse-in-turns.ts';

/** Which file was read how far: a file with another content is another one. */
type Mark = { readonly digest: string; readonly row: number; readonly isDone: boolean };

type Table = {
  readonly digest: string;
  readonly records: readonly CsvRecord[];
  /** When the file says that it was so, where a line does not. */
  readonly writtenAt: Date;
};

/** A line by the names in the first one. */
type CsvRecord = Readonly<Record<string, string>>;

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
    const { text, digest, writtenAt = read.readAt } = file;
    const records = await parseInTurns(text, config.delimiter ?? delimiterOf(text));
    if (records === undefined) return 'invalid_csv';
    table = { digest, records, writtenAt };
    return table;
  };
  const pageOf = ({ digest, records, writtenAt }: Table, from: number, limit: number) => {
    const row = Math.min(from + limit, records.length);
    const isDone = row >= records.length;
    const mark: Mark = { digest, row, isDone };
    const items = records
      .slice(from, row)
      .map((record, index) => itemOf(record, from + index, { config, digest, writtenAt }));
    return { ...readItems(items), nextWatermark: JSON.stringify(mark), hasMore: !isDone };
  };
  return {
    async changesSince(watermark, read) {
      const found = await load(read);
      if (typeof found === 'string') return failed(found);
      const mark = markOf(watermark);
      const isSame = mark?.digest === found.digest;
      const { length } = found.records;
      const from = isSame ? (mark.isDone ? length : mark.row) : 0;
      return { kind: 'page', page: { ...pageOf(found, from, read.limit), isSnapshot: false } };
    },
    async snapshot(cursor, read) {
      const found = await load(read);
      if (typeof found === 'string') return failed(found);
      const mark = markOf(cursor);
      // Half of one file and half of another are no picture of anything.
      if (mark !== undefined && mark.digest !== found.digest) return { kind: 'expired' };
      const page = pageOf(found, mark?.row ?? 0, read.limit);
      return { kind: 'page', page: { ...page, isSnapshot: true } };
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

/** A line as an item. @param index of the line, from 0 */
function itemOf(
  record: CsvRecord,
  index: number,
  { config, digest, writtenAt }: Omit<Table, 'records'> & { readonly config: CsvConfig },
): unknown {
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
}

function markOf(watermark: string | null): Mark | undefined {
  return watermark === null ? undefined : (JSON.parse(watermark) as Mark);
}

import { UsageError } from '../errors.ts';
import { openCsv } from './csv-rows.ts';
import { columnOf, isId, parseUnits } from './fields.ts';

/** One counted figure. */
export type StockRow = {
  readonly line: number;
  readonly sku: string;
  readonly storeId: string;
  /** 0 or more. */
  readonly onHand: number;
};

const skuNames = ['sku', 'stockCode', 'item', 'itemNumber', 'articleNumber', 'variantSku'];
const storeNames = ['storeId', 'store', 'location', 'locationId', 'warehouse'];
const onHandNames = ['onHand', 'quantity', 'qty', 'stock', 'count', 'available'];

/**
 * The figures of a stock file, by the names in its header. Rows that cannot be read are told with
 * their line, and so are those for a SKU and store that an earlier row has: which of the two is
 * meant nobody knows. Throws a UsageError when the file cannot be read or lacks a column.
 * @param store of rows that name none
 */
export async function* readStockFile(
  path: string,
  store: string,
  onBadRow: (line: number, problem: string) => void,
): AsyncGenerator<StockRow> {
  const { header, rows } = await openCsv(path);
  const skuAt = columnOf(header, skuNames);
  const onHandAt = columnOf(header, onHandNames);
  const storeAt = columnOf(header, storeNames);
  if (skuAt === undefined) throw new UsageError(lacks(path, 'sku', skuNames));
  if (onHandAt === undefined) throw new UsageError(lacks(path, 'onHand', onHandNames));
  const seen = new Map<string, number>();
  for await (const { line, ...row } of rows) {
    if (row.problem !== undefined) {
      onBadRow(line, row.problem);
      continue;
    }
    const field = (index: number): string => row.fields[index]?.trim() ?? '';
    const named = storeAt === undefined ? '' : field(storeAt);
    const parsed = parseRow(field(skuAt), named === '' ? store : named, field(onHandAt));
    if (typeof parsed === 'string') {
      onBadRow(line, parsed);
      continue;
    }
    const id = `${parsed.storeId}\u0000${parsed.sku}`;
    const before = seen.get(id);
    if (before === undefined) {
      seen.set(id, line);
      yield { line, ...parsed };
    } else {
      onBadRow(line, `the same SKU and store stand in line ${before}, which counts`);
    }
  }
}

function parseRow(
  sku: string,
  storeId: string,
  onHandText: string,
): Omit<StockRow, 'line'> | string {
  if (!isId(sku)) return `"${sku}" cannot be a SKU`;
  if (!isId(storeId)) return `"${storeId}" cannot be the id of a store`;
  const onHand = parseUnits(onHandText);
  if (onHand === undefined) return `"${onHandText}" is not a whole number of units`;
  if (onHand < 0) return `${onHand} is less than nothing`;
  return { sku, storeId, onHand };
}

function lacks(path: string, what: string, names: readonly string[]): string {
  return `${path} has no column ${what} (one of ${names.join(', ')}; case does not matter).`;
}

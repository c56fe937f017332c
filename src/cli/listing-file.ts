import type { ChannelAdapter, ListingInput } from '../channels/index.ts';
import { UsageError } from '../errors.ts';
import { openCsv } from './csv-rows.ts';
import { columnOf, isId } from './fields.ts';

/** A listing of a file, with the line it stands in. */
export type ListingRow = ListingInput & { readonly line: number };

const skuNames = ['sku'];
const storeNames = ['storeId', 'store'];

/**
 * The listings of a file: columns `sku` and `storeId`, and every other column is one of the
 * channel's ids by its own name; an empty field is an id that is not there. Rows that cannot be
 * used are told with their line. Throws a UsageError when the file cannot be read or has no SKUs.
 * @param store of rows that name none
 */
export async function* readListingFile(
  path: string,
  { store, adapter }: { readonly store: string; readonly adapter: ChannelAdapter },
  onBadRow: (line: number, problem: string) => void,
): AsyncGenerator<ListingRow> {
  const { header, rows } = await openCsv(path);
  const skuAt = columnOf(header, skuNames);
  const storeAt = columnOf(header, storeNames);
  if (skuAt === undefined) throw new UsageError(`${path} has no column sku.`);
  const idsAt = [...header.keys()].filter((at) => at !== skuAt && at !== storeAt);
  const seen = new Map<string, number>();
  for await (const { line, ...row } of rows) {
    if (row.problem !== undefined) {
      onBadRow(line, row.problem);
      continue;
    }
    const field = (at: number | undefined): string =>
      at === undefined ? '' : (row.fields[at]?.trim() ?? '');
    const sku = field(skuAt);
    const storeId = field(storeAt) || store;
    const ids = new Map(idsAt.map((at) => [header[at] ?? '', field(at)]));
    const externalIds = idsOf(adapter, ids);
    const before = seen.get(`${storeId}\u0000${sku}`);
    if (!isId(sku)) onBadRow(line, `"${sku}" cannot be a SKU`);
    else if (!isId(storeId)) onBadRow(line, `"${storeId}" cannot be the id of a store`);
    else if (typeof externalIds === 'string') onBadRow(line, externalIds);
    else if (before !== undefined) {
      onBadRow(line, `the same SKU and store stand in line ${before}, which counts`);
    } else {
      seen.set(`${storeId}\u0000${sku}`, line);
      yield { line, storeId, sku, externalIds };
    }
  }
}

/**
 * Ids as the adapter wants them, which is as texts or, where it counts, as numbers; or what is
 * wrong with them.
 */
function idsOf(
  { externalIdsSchema: schema }: ChannelAdapter,
  fields: ReadonlyMap<string, string>,
): object | null | string {
  const given = [...fields].filter(([, text]) => text !== '');
  if (given.length === 0) return schema === undefined ? null : 'has none of the channel’s ids';
  const texts = Object.fromEntries(given);
  if (schema === undefined || schema.safeParse(texts).success) return texts;
  const numbers = Object.fromEntries(
    given.map(([name, text]) => [name, /^\d{1,15}$/.test(text) ? Number(text) : text]),
  );
  const asNumbers = schema.safeParse(numbers);
  if (asNumbers.success) return numbers;
  const [issue] = asNumbers.error.issues;
  return `${issue?.path.join('.') || 'the ids'}: ${issue?.message ?? 'cannot be used'}`;
}

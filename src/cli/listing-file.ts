import type { ChannelAdapter, ListingInput } from '../channels/index.ts';
import { UsageError } from '../errors.ts';
import { openCsv } from './csv-rows.ts';
import { columnOf, isId } from './fields.ts';

/** A listing of a file, with the line it stands in. */
export type ListingRow = ListingInput & { readonly line: number };

/**
 * - `unreadable`: the line is no row of the file
 * - `sku_invalid`, `store_invalid`: no SKU or store can be called so
 * - `ids_missing`, `ids_unusable`: the channel needs ids, or others
 * - `repeated`: an earlier line says which ids the SKU has at the store
 * - `store_unknown`: there is no such store
 */
export type BadRowCode =
  | 'unreadable'
  | 'sku_invalid'
  | 'store_invalid'
  | 'ids_missing'
  | 'ids_unusable'
  | 'repeated'
  | 'store_unknown';

/** A row that cannot be used: `problem` says it in words. */
export type BadRow = {
  readonly line: number;
  readonly code: BadRowCode;
  readonly problem: string;
};

type Wrong = Omit<BadRow, 'line'>;

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
  onBadRow: (row: BadRow) => void,
): AsyncGenerator<ListingRow> {
  const { header, rows } = await openCsv(path);
  const skuAt = columnOf(header, skuNames);
  const storeAt = columnOf(header, storeNames);
  if (skuAt === undefined) throw new UsageError(`${path} has no column sku.`);
  const idsAt = [...header.keys()].filter((at) => at !== skuAt && at !== storeAt);
  const seen = new Map<string, number>();
  for await (const { line, ...row } of rows) {
    if (row.problem !== undefined) {
      onBadRow({ line, code: 'unreadable', problem: row.problem });
      continue;
    }
    const field = (at: number | undefined): string =>
      at === undefined ? '' : (row.fields[at]?.trim() ?? '');
    const sku = field(skuAt);
    const storeId = field(storeAt) || store;
    const ids = new Map(idsAt.map((at) => [header[at] ?? '', field(at)]));
    const id = `${storeId}\u0000${sku}`;
    const given = idsOf(adapter, ids);
    const wrong = wrongPlace(sku, storeId) ?? given.wrong ?? repeatOf(seen.get(id));
    if (wrong === undefined) {
      seen.set(id, line);
      yield { line, storeId, sku, externalIds: given.externalIds };
    } else onBadRow({ line, ...wrong });
  }
}

function wrongPlace(sku: string, storeId: string): Wrong | undefined {
  if (!isId(sku)) return { code: 'sku_invalid', problem: `"${sku}" cannot be a SKU` };
  if (isId(storeId)) return undefined;
  return { code: 'store_invalid', problem: `"${storeId}" cannot be the id of a store` };
}

function repeatOf(before: number | undefined): Wrong | undefined {
  if (before === undefined) return undefined;
  const problem = `the same SKU and store stand in line ${before}, which counts`;
  return { code: 'repeated', problem };
}

type Ids = { readonly externalIds: object | null; readonly wrong?: Wrong };

/**
 * Ids as the adapter wants them, which is as texts or, where it counts, as numbers; or what is
 * wrong with them.
 */
function idsOf(
  { externalIdsSchema: schema }: ChannelAdapter,
  fields: ReadonlyMap<string, string>,
): Ids {
  const given = [...fields].filter(([, text]) => text !== '');
  if (given.length === 0) {
    const problem = 'has none of the channel’s ids';
    return schema === undefined
      ? { externalIds: null }
      : { externalIds: null, wrong: { code: 'ids_missing', problem } };
  }
  const texts = Object.fromEntries(given);
  if (schema === undefined || schema.safeParse(texts).success) return { externalIds: texts };
  const numbers = Object.fromEntries(
    given.map(([name, text]) => [name, /^\d{1,15}$/.test(text) ? Number(text) : text]),
  );
  const asNumbers = schema.safeParse(numbers);
  if (asNumbers.success) return { externalIds: numbers };
  const [issue] = asNumbers.error.issues;
  const problem = `${issue?.path.join('.') || 'the ids'}: ${issue?.message ?? 'cannot be used'}`;
  return { externalIds: null, wrong: { code: 'ids_unusable', problem } };
}

import { sql } from 'kysely';
import type { Db } from '../../db/index.ts';

/** The columns of an archive, in their order: those of the ledger. */
export const entryColumns = [
  'merchant_id',
  'entry_id',
  'sku',
  'location_id',
  'version',
  'quantity',
  'delta',
  'balance_after',
  'reason',
  'reference',
  'actor',
  'source_channel',
  'command_id',
  'occurred_at',
  'recorded_at',
] as const;

const times = new Set<string>(['occurred_at', 'recorded_at']);
const plain = new Set<string>(['entry_id', 'version', 'delta', 'balance_after', 'command_id']);
const pageSize = 5_000;

/** Every column as text: times to the microsecond, by UTC, whatever the session's settings. */
const columnTexts = sql.join(
  entryColumns.map((column) =>
    times.has(column)
      ? sql`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
          as ${sql.ref(column)}`
      : sql`${sql.ref(column)}::text as ${sql.ref(column)}`,
  ),
);

type EntryTexts = Readonly<Record<(typeof entryColumns)[number], string | null>>;

/**
 * A partition as CSV in pieces, in the order of its key: a header, then a line for each entry. As
 * COPY writes it: nothing between two commas is null, `""` is an empty text.
 */
export async function* readEntriesAsCsv(
  db: Db,
  partition: string,
  onPage: (entries: number) => void | Promise<void>,
): AsyncGenerator<string> {
  yield `${entryColumns.join(',')}\n`;
  let last: EntryTexts | undefined;
  for (;;) {
    const behind: ReturnType<typeof sql> =
      last === undefined
        ? sql``
        : sql`where (merchant_id, sku, location_id, version, quantity) > (${last.merchant_id},
            ${last.sku}, ${last.location_id}, ${last.version}::bigint,
            ${last.quantity}::stock_quantity)`;
    const { rows }: { rows: EntryTexts[] } = await sql<EntryTexts>`
      select ${columnTexts} from ${sql.table(partition)} e ${behind}
      order by e.merchant_id, e.sku, e.location_id, e.version, e.quantity
      limit ${pageSize}`.execute(db);
    last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map(lineOf).join('');
    await onPage(rows.length);
  }
}

function lineOf(row: EntryTexts): string {
  return `${entryColumns.map((column) => fieldOf(column, row[column])).join(',')}\n`;
}

function fieldOf(column: string, text: string | null): string {
  if (text === null) return '';
  return plain.has(column) || times.has(column) ? text : `"${text.replaceAll('"', '""')}"`;
}

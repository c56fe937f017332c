/** A column of a text table: its heading, and how a row fills it. */
export type Column<Row> = readonly [heading: string, cell: (row: Row) => unknown];

/** Rows as a text table; numbers stand to the right, times as RFC 3339, nothing as `-`. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map(([, cell]) => cell(row)));
  const widths = columns.map(([heading], index) =>
    Math.max(heading.length, ...cells.map((row) => textOf(row[index]).length)),
  );
  const lines = [
    lineOf(columns.map(([heading], index) => heading.padEnd(widths[index] ?? 0))),
    lineOf(widths.map((width) => '-'.repeat(width))),
    ...cells.map((row) =>
      lineOf(
        row.map((value, index) => {
          const width = widths[index] ?? 0;
          const text = textOf(value);
          return typeof value === 'number' ? text.padStart(width) : text.padEnd(width);
        }),
      ),
    ),
  ];
  return lines.join('\n');
}

/** A table of whatever the rows hold, with a column for each of their names. */
export function formatRows(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const names = Object.keys(rows[0] ?? {});
  return formatTable(
    rows,
    names.map((name) => [name, (row) => row[name]]),
  );
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '-');
}

function lineOf(texts: readonly string[]): string {
  return texts.join('  ').trimEnd();
}

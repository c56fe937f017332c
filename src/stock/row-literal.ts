/**
 * Postgres literals of arrays of rows (composite types), for the commit's parameters. A field is
 * what stands between two commas of a row: numbers, booleans, UUIDs and enum names stand there as
 * they are, texts and times through these functions.
 */

/** What would end a field or a row; and nothing at all, which would be null. */
const special = /[\s(),"\\]|^$/;
const escaped = /["\\]/g;

/**
 * A text as a field. Its quotes are escaped twice: for the row, and for the array that the row is
 * an element of.
 */
export function textField(value: string | null): string {
  if (value === null) return '';
  return special.test(value) ? `\\"${value.replace(escaped, '\\\\\\$&')}\\"` : value;
}

/** A time as a field. */
export function timeField(value: Date | null): string {
  return value === null ? '' : value.toISOString();
}

/** @param rows the fields of each row, with commas between them */
export function rowArray(rows: readonly string[]): string {
  return rows.length === 0 ? '{}' : `{"(${rows.join(')","(')})"}`;
}

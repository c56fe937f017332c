import { finished } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parse } from 'csv-parse';

/** Parsed in a few milliseconds. */
const sliceBytes = 32_768;

/**
 * Parses a CSV text whose first line has the names, a slice in each turn of the event loop: while a
 * file of millions of lines is read, requests are answered and leases renewed.
 * @param delimiter one character
 * @returns a record for each line, or undefined where the text is no CSV to its last line
 */
export async function parseInTurns(
  text: string,
  delimiter: string,
): Promise<Record<string, string>[] | undefined> {
  const parser = parse({
    columns: true,
    bom: true,
    delimiter,
    skip_empty_lines: true,
    trim: true,
  });
  const records: Record<string, string>[] = [];
  parser.on('data', (record: Record<string, string>) => records.push(record));
  const whole = finished(parser).then(
    () => true,
    () => false,
  );
  // Cut by bytes: the parser puts a character together again that lies in two slices.
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length && !parser.destroyed; from += sliceBytes) {
    parser.write(bytes.subarray(from, from + sliceBytes));
    await nextTurn();
  }
  parser.end();
  return (await whole) ? records : undefined;
}

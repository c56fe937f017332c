import type { DriftView } from './list-drifts.ts';

/** A column of the table: its heading, and what of a drift stands in it. */
const columns: readonly (readonly [string, (drift: DriftView) => string | number | null])[] = [
  ['driftId', (drift) => drift.driftId],
  ['sku', (drift) => drift.sku],
  ['storeId', (drift) => drift.storeId],
  ['channelId', (drift) => drift.channelId],
  ['sourceId', (drift) => drift.sourceId],
  ['quantity', (drift) => drift.quantity],
  ['expected', (drift) => drift.expected],
  ['observed', (drift) => drift.observed],
  ['units', (drift) => drift.units],
  ['cause', (drift) => drift.cause],
  ['action', (drift) => drift.action],
  ['status', (drift) => drift.status],
  ['foundAt', (drift) => drift.foundAt],
  ['settledAt', (drift) => drift.settledAt],
  ['agreedAt', (drift) => drift.agreedAt],
  ['entryCount', (drift) => drift.entryCount],
  ['entryIds', (drift) => drift.entries.map(({ entryId }) => entryId).join(' ')],
  ['reconciliationId', (drift) => drift.reconciliationId],
];

/** Drifts as CSV after RFC 4180, with a header. */
export function driftsAsCsv(drifts: readonly DriftView[]): string {
  const header = columns.map(([heading]) => heading);
  const rows = drifts.map((drift) => columns.map(([, cell]) => fieldOf(cell(drift))));
  return [header, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

/** What a spreadsheet would take for a formula begins with a quote. */
function fieldOf(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = '../../../shared/data/orders/online-retail-2010-12-part1.csv';
const path = fileURLToPath(new URL(file, import.meta.url));

/** The file of real orders beside the project, or undefined where it is not. */
export const realOrders = existsSync(path) ? path : undefined;
if (realOrders === undefined)
  process.stdout.write('no file of real orders: its tests are skipped\n');

/** What the orders of a file do to stock, said as simply as can be: the model of the replay. */
export function plainReplay(
  csv: string,
  share: number,
): { stock: Record<string, number>; applied: number; refused: number } {
  const invoices = new Map<string, Map<string, number>>();
  const asked = new Map<string, number>();
  for (const line of csv.trim().split('\n').slice(1)) {
    // The description may hold commas: what comes before and behind it does not.
    const cells = line.split(',');
    const [invoice = '', sku = ''] = cells;
    const quantity = Number(cells.at(-5));
    if (!/^\d{5}/.test(sku)) continue;
    const lines = invoices.get(invoice) ?? new Map<string, number>();
    invoices.set(invoice, lines.set(sku, (lines.get(sku) ?? 0) + quantity));
    asked.set(sku, (asked.get(sku) ?? 0) + Math.max(quantity, 0));
  }
  const stock = new Map([...asked].map(([sku, units]) => [sku, Math.floor(units * share + 1e-9)]));
  let applied = 0;
  for (const [invoice, lines] of invoices) {
    // A negative quantity puts back; on another invoice than a cancellation it takes off.
    const isCorrection = !invoice.startsWith('C') && [...lines.values()].every((n) => n < 0);
    const after = [...lines].map(
      ([sku, units]) => [sku, (stock.get(sku) ?? 0) + (isCorrection ? units : -units)] as const,
    );
    if (after.some(([, units]) => units < 0)) continue;
    applied += 1;
    for (const [sku, units] of after) stock.set(sku, units);
  }
  const sorted = [...stock].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { stock: Object.fromEntries(sorted), applied, refused: invoices.size - applied };
}

import { UsageError } from '../errors.ts';
import type { OrderKind, ReplayOrder } from '../replay/index.ts';
import { openCsv } from './csv-rows.ts';
import { columnOf, isId, parseUnits } from './fields.ts';
import { parseInvoiceDate } from './invoice-date.ts';

/** What a reader of an order file is told besides its orders. */
export type OrderFileListener = {
  readonly onBadRow: (line: number, problem: string) => void;
  /** A row that belongs to an order. */
  readonly onLine: () => void;
  /** A manual code (`POST`, `D`, `M`, …): no stock moves. */
  readonly onSkipped: () => void;
};

type OrderRow = { invoice: string; sku: string; quantity: number; at: Date };

/**
 * The orders of a file in the Online Retail format, in their order. Rows that follow each other
 * with one invoice number are one order: the same SKU is added up, and so are its negative
 * quantities, which are a correction, or on a cancellation (`C…`) what is put back.
 * Throws a UsageError when the file cannot be read or lacks a column.
 */
export async function* readOrders(
  path: string,
  listener: OrderFileListener,
): AsyncGenerator<ReplayOrder> {
  const seen = new Map<string, number>();
  let group: OrderRow[] = [];
  for await (const row of readRows(path, listener)) {
    const [first] = group;
    if (first !== undefined && first.invoice !== row.invoice) {
      yield* ordersOf(group, seen);
      group = [];
    }
    group.push(row);
  }
  yield* ordersOf(group, seen);
}

/** For whoever only wants the orders. */
const nobody: OrderFileListener = {
  onBadRow: () => undefined,
  onLine: () => undefined,
  onSkipped: () => undefined,
};

/** What a file asks for: known before the first order is applied. */
export type OrderSurvey = {
  readonly orders: number;
  /** Every SKU of the file with the units that its sales take in all, 0 or more. */
  readonly taken: ReadonlyMap<string, number>;
};

/** Reads a file once through. */
export async function surveyOrders(path: string): Promise<OrderSurvey> {
  const taken = new Map<string, number>();
  let orders = 0;
  for await (const order of readOrders(path, nobody)) {
    orders += 1;
    for (const { sku, quantity } of order.lines) {
      const units = order.kind === 'sale' ? quantity : 0;
      taken.set(sku, (taken.get(sku) ?? 0) + units);
    }
  }
  return { orders, taken };
}

async function* readRows(path: string, listener: OrderFileListener): AsyncGenerator<OrderRow> {
  const { header, rows } = await openCsv(path);
  const [invoiceAt, skuAt, quantityAt, dateAt] = [
    'InvoiceNo',
    'StockCode',
    'Quantity',
    'InvoiceDate',
  ].map((name) => {
    const index = columnOf(header, [name]);
    if (index === undefined) throw new UsageError(`${path} has no column ${name}.`);
    return index;
  });
  for await (const row of rows) {
    if (row.problem !== undefined) {
      listener.onBadRow(row.line, row.problem);
      continue;
    }
    const field = (index: number | undefined): string => row.fields[index ?? -1]?.trim() ?? '';
    const parsed = parseRow(field(invoiceAt), field(skuAt), field(quantityAt), field(dateAt));
    if (parsed === 'manual') listener.onSkipped();
    else if (typeof parsed === 'string') listener.onBadRow(row.line, parsed);
    else {
      listener.onLine();
      yield parsed;
    }
  }
}

/** A row, `manual`, or what is wrong with it. */
function parseRow(
  invoice: string,
  sku: string,
  quantityText: string,
  dateText: string,
): OrderRow | string {
  if (!isId(invoice)) return 'InvoiceNo is missing or cannot be an id';
  if (sku === '') return 'StockCode is missing';
  // Articles begin with five digits; other codes are postage, discounts, fees.
  if (!/^\d{5}/.test(sku)) return 'manual';
  if (!isId(sku)) return 'StockCode cannot be a SKU';
  const quantity = parseUnits(quantityText);
  if (quantity === undefined) return `Quantity "${quantityText}" is not a whole number`;
  if (quantity === 0) return 'Quantity is 0';
  if (isCancellation(invoice) && quantity > 0) return 'a cancellation with a positive Quantity';
  const at = parseInvoiceDate(dateText);
  if (at === undefined) return `InvoiceDate "${dateText}" is not a date`;
  return { invoice, sku, quantity, at };
}

function isCancellation(invoice: string): boolean {
  return /^c/i.test(invoice);
}

function* ordersOf(rows: readonly OrderRow[], seen: Map<string, number>): Generator<ReplayOrder> {
  const [first] = rows;
  if (first === undefined) return;
  const times = (seen.get(first.invoice) ?? 0) + 1;
  seen.set(first.invoice, times);
  // An invoice whose rows lie apart: its second part is an order of its own.
  const orderId = times === 1 ? first.invoice : `${first.invoice}#${times}`;
  const negative = rows.filter(({ quantity }) => quantity < 0);
  const kind: OrderKind = isCancellation(first.invoice) ? 'cancellation' : 'correction';
  if (negative.length > 0) yield { orderId, kind, at: first.at, lines: addedUp(negative) };
  const positive = rows.filter(({ quantity }) => quantity > 0);
  if (positive.length > 0) yield { orderId, kind: 'sale', at: first.at, lines: addedUp(positive) };
}

function addedUp(rows: readonly OrderRow[]): ReplayOrder['lines'] {
  const units = new Map<string, number>();
  for (const { sku, quantity } of rows) {
    units.set(sku, (units.get(sku) ?? 0) + Math.abs(quantity));
  }
  return [...units].map(([sku, quantity]) => ({ sku, quantity }));
}

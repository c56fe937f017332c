import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';

const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

/** A line of an order file. */
export function row(invoice: string, sku: string, quantity: number | string): string {
  return `${invoice},${sku},THING,${quantity},2010-12-01T08:26:00Z,2.55,17850,United Kingdom`;
}

/** Writes a file in the Online Retail format that is gone after the test. */
export async function orderFile(rows: readonly string[]): Promise<string> {
  return await csvFile([header, ...rows]);
}

/** Writes a file that is gone after the test. */
export async function csvFile(lines: readonly string[]): Promise<string> {
  const path = join(tmpdir(), `onhand-test-${randomUUID()}.csv`);
  await writeFile(path, `${lines.join('\n')}\n`);
  onTestFinished(() => rm(path, { force: true }));
  return path;
}

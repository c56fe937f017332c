import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { systemClock, type Clock } from '../../src/clock.ts';
import { fingerprint } from '../../src/idempotency/index.ts';
import {
  adjustStock,
  openWriterPool,
  setStock,
  StockWriter,
  type AdjustRequest,
  type Command,
  type IdempotencyKey,
  type Provenance,
  type WriterOptions,
} from '../../src/stock/index.ts';
import { createPool } from './patient-pool.ts';

export const merchantId = 'default';

export const provenance: Provenance = {
  reason: 'test',
  reference: null,
  actor: 'test',
  sourceChannel: null,
  occurredAt: null,
};

export type TestWriter = {
  readonly writer: StockWriter;
  readonly clock: Clock;
  close(): Promise<void>;
};

/** A writer with connections of its own, as each process has one. */
export function openTestWriter(
  connectionString: string,
  options: Partial<WriterOptions> = {},
): TestWriter {
  const clock = options.clock ?? systemClock();
  const pool = openWriterPool(connectionString, options.timeoutMs ?? 20_000);
  const writer = new StockWriter({
    pool,
    clock,
    maxRetries: 5,
    timeoutMs: 20_000,
    idempotencyTtlSeconds: 86_400,
    ...options,
  });
  return {
    writer,
    clock,
    async close() {
      await writer.close();
      await pool.end();
    },
  };
}

/** A connection for looking at the database, and the store `main`. */
export async function openInspector(connectionString: string): Promise<Pool> {
  const pool = createPool({ connectionString, poolSize: 4 });
  await pool.query(
    `insert into location (merchant_id, location_id) values ('default', 'main')
     on conflict do nothing`,
  );
  return pool;
}

export function levelKey(sku: string): { merchantId: string; sku: string; storeId: string } {
  return { merchantId, sku, storeId: 'main' };
}

export function keyed(key: string, ...said: unknown[]): IdempotencyKey {
  return { key, fingerprint: fingerprint(...said) };
}

export function adjust(
  sku: string,
  delta: number,
  more: Partial<AdjustRequest> & { key?: IdempotencyKey } = {},
): Command {
  const { key, ...request } = more;
  return adjustStock({
    level: levelKey(sku),
    request: { quantity: 'onHand', delta, mode: 'guarded', ...request },
    provenance,
    idempotencyKey: key,
  });
}

export function count(sku: string, onHand: number): Command {
  return setStock({ level: levelKey(sku), request: { onHand }, provenance });
}

export function newSku(): string {
  return `sku-${randomUUID()}`;
}

export type LevelRow = { on_hand: number; reserved: number; version: number };

export async function levelRow(pool: Pool, sku: string): Promise<LevelRow | undefined> {
  const { rows } = await pool.query<LevelRow>(
    'select on_hand, reserved, version from stock_level where merchant_id = $1 and sku = $2',
    [merchantId, sku],
  );
  return rows[0];
}

/** Each ledger version of a SKU with what it left, oldest first. */
export async function ledgerOf(
  pool: Pool,
  sku: string,
): Promise<{ version: number; quantity: string; delta: number; balance_after: number }[]> {
  const { rows } = await pool.query<{
    version: number;
    quantity: string;
    delta: number;
    balance_after: number;
  }>(
    `select version, quantity, delta, balance_after from ledger_entry
     where merchant_id = $1 and sku = $2 order by version, quantity`,
    [merchantId, sku],
  );
  return rows;
}

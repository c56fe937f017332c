import type { Pool } from 'pg';
import {
  putBuffer,
  recomputeBuffers,
  type BufferRule,
  type BufferScope,
  type BuffersContext,
  type Recomputed,
} from '../../src/safety-stock/index.ts';
import { openWriterPool } from '../../src/stock/index.ts';
import { createTestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';
import { merchantId, openInspector, openTestWriter, type TestWriter } from '../support/stock.ts';

export type BuffersRig = {
  readonly context: BuffersContext;
  readonly pool: Pool;
  readonly connectionString: string;
  readonly writer: TestWriter['writer'];
  put(scope: BufferScope, rule: Partial<BufferRule>): Promise<void>;
  recompute(): Promise<Recomputed>;
  /** The safety stock of a level; undefined: there is none. */
  kept(sku: string, storeId?: string): Promise<number | undefined>;
  close(): Promise<void>;
};

const open: BufferRule = {
  strategy: 'static',
  units: null,
  percentage: null,
  leadTimeDays: null,
  serviceLevel: null,
  windowDays: null,
};

/** Safety stock on a database of its own with the store `main`, without a service around it. */
export async function openBuffersRig(): Promise<BuffersRig> {
  const database = await createTestDatabase();
  const { connectionString } = database;
  const pool = await openInspector(connectionString);
  const handle = openDatabase({ connectionString });
  const writerPool = openWriterPool(connectionString, 20_000);
  const writer = openTestWriter(connectionString);
  const { clock } = writer;
  const context: BuffersContext = {
    db: handle.db,
    together: { pool: writerPool, clock, maxRetries: 5 },
    clock,
    settings: {
      strategy: 'static',
      defaultUnits: 0,
      defaultPercentage: 10,
      leadTimeDays: 2,
      serviceLevel: 0.95,
    },
  };
  return {
    context,
    pool,
    connectionString,
    writer: writer.writer,
    async put(scope, rule) {
      const result = await putBuffer(handle.db, merchantId, scope, { ...open, ...rule });
      if (!result.ok) throw new Error(JSON.stringify(result.refusal));
    },
    async recompute() {
      const done = await recomputeBuffers(context, merchantId);
      if (done === undefined) throw new Error('another run is under way');
      return done;
    },
    async kept(sku, storeId = 'main') {
      const { rows } = await pool.query<{ safety_stock: number }>(
        `select safety_stock from stock_level
         where merchant_id = $1 and sku = $2 and location_id = $3`,
        [merchantId, sku, storeId],
      );
      return rows[0]?.safety_stock;
    },
    async close() {
      await writer.close();
      await Promise.allSettled([writerPool.end(), handle.close(), pool.end()]);
      await database.drop();
    },
  };
}

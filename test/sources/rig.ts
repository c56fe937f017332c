import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { openSecretBox } from '../../src/encryption.ts';
import { newId } from '../../src/ids.ts';
import {
  closeSourceKinds,
  createSourceKinds,
  pushItems,
  putSource,
  runSource,
  type PutSourceInput,
  type RunView,
  type SourceAlert,
  type SourceItem,
  type SourcesContext,
  type SourceView,
} from '../../src/sources/index.ts';
import { openWriterPool } from '../../src/stock/index.ts';
import { createTestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';
import { merchantId, openInspector, openTestWriter, type TestWriter } from '../support/stock.ts';

export type SourcesRig = {
  readonly context: SourcesContext;
  readonly pool: Pool;
  readonly writer: TestWriter['writer'];
  readonly connectionString: string;
  readonly alerts: readonly SourceAlert[];
  readonly feedFolder: string;
  put(input: Partial<PutSourceInput> & { sourceId: string }): Promise<SourceView>;
  run(sourceId: string): Promise<RunView>;
  push(sourceId: string, items: readonly Partial<SourceItem>[]): Promise<RunView>;
  /** A quantity of the level at `main`, as the database names it; undefined: no level. */
  quantity(sku: string, column?: string): Promise<number | undefined>;
  close(): Promise<void>;
};

/** Sources on a database of their own with the store `main`, without a service around them. */
export async function openSourcesRig(
  options: { readonly feedFolder?: string } = {},
): Promise<SourcesRig> {
  const database = await createTestDatabase();
  const { connectionString } = database;
  const pool = await openInspector(connectionString);
  const handle = openDatabase({ connectionString });
  const writerPool = openWriterPool(connectionString, 20_000);
  const writer = openTestWriter(connectionString);
  const alerts: SourceAlert[] = [];
  const feedFolder = options.feedFolder ?? import.meta.dirname;
  const kinds = createSourceKinds({ allowPrivateAddresses: true, feedFolderOf: () => feedFolder });
  const encryptionKey = randomBytes(32).toString('hex');
  const { clock } = writer;
  const context: SourcesContext = {
    db: handle.db,
    together: { pool: writerPool, clock, maxRetries: 5 },
    kinds,
    secretBox: openSecretBox({ encryptionKey, dataDir: '' }),
    clock,
    settings: { intervalMinutes: 15, batchSize: 100, deduplication: true },
    events: { onAlert: (alert) => void alerts.push(alert) },
  };
  return {
    context,
    pool,
    writer: writer.writer,
    connectionString,
    alerts,
    feedFolder,
    async put(input) {
      const result = await putSource(context, {
        merchantId,
        kind: 'push',
        config: {},
        owns: [{ quantity: 'onHand' }],
        ...input,
      });
      if (!result.ok) throw new Error(JSON.stringify(result.refusal));
      return result.value.source;
    },
    async run(sourceId) {
      const { signal } = new AbortController();
      const run = {
        merchantId,
        sourceId,
        runId: newId('run'),
        trigger: 'request',
        signal,
      } as const;
      const result = await runSource(context, run);
      if (!result.ok) throw new Error(JSON.stringify(result.refusal));
      return result.value;
    },
    async push(sourceId, items) {
      const result = await pushItems(context, { merchantId, sourceId, items: items.map(item) });
      if (!result.ok) throw new Error(JSON.stringify(result.refusal));
      return result.value;
    },
    async quantity(sku, column = 'on_hand') {
      const { rows } = await pool.query<Record<string, number>>(
        'select * from stock_level where merchant_id = $1 and sku = $2 and location_id = $3',
        [merchantId, sku, 'main'],
      );
      return rows[0]?.[column];
    },
    async close() {
      await writer.close();
      await closeSourceKinds(kinds);
      await Promise.allSettled([writerPool.end(), handle.close(), pool.end()]);
      await database.drop();
    },
  };
}

let number = 0;

/** A report; what is not given is a set of on hand at `main`, just now. */
export function item(more: Partial<SourceItem>): SourceItem {
  number += 1;
  const { op = 'set', value = 0 } = more;
  const what = { id: `item-${number}`, sku: 'sku', storeId: 'main', quantity: 'onHand' } as const;
  return { ...what, observedAt: new Date(), ...more, op, value };
}

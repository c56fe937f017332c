import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/db/index.ts';
import { createTestDatabase } from '../support/database.ts';
import { openInspector, openTestWriter } from '../support/stock.ts';
import { steps } from './commands.ts';
import { Model } from './model.ts';

const runs = Number(process.env['MODEL_RUNS'] ?? 300);
const seed = Number(process.env['MODEL_SEED'] ?? Date.now() % 2 ** 31);
const path = process.env['MODEL_PATH'];

const tables =
  'stock_level, ledger_entry, idempotency_key, outbox_message, reservation, reservation_line';

test(
  'whatever is done, in whatever order: the database is what a plain map says',
  { timeout: 24 * 3_600_000 },
  async () => {
    const database = await createTestDatabase();
    const handle = openDatabase({ connectionString: database.connectionString });
    const pool = await openInspector(database.connectionString);
    const writer = openTestWriter(database.connectionString);
    process.stdout.write(`model suite: MODEL_SEED=${seed} MODEL_RUNS=${runs}\n`);
    try {
      await fc.assert(
        fc.asyncProperty(fc.commands(steps, { maxCommands: 30 }), async (commands) => {
          await pool.query(`truncate ${tables}`);
          const setup = () => ({ model: new Model(), real: { db: handle.db, pool, writer } });
          await fc.asyncModelRun(setup, commands);
        }),
        { numRuns: runs, seed, ...(path === undefined ? {} : { path }) },
      );
      expect(writer.writer.queueLength).toBe(0);
    } finally {
      await writer.close();
      await pool.end();
      await handle.close();
      await database.drop();
    }
  },
);

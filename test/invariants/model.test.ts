import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';
import { report } from '../support/report.ts';
import { openInspector, openTestWriter } from '../support/stock.ts';
import { steps } from './commands.ts';
import { Model } from './model.ts';

const runs = Number(process.env['MODEL_RUNS'] ?? 300);
const seed = Number(process.env['MODEL_SEED'] ?? Date.now() % 2 ** 31);
const path = process.env['MODEL_PATH'];
const replayPath = process.env['MODEL_REPLAY_PATH'];

const tables =
  'stock_level, stock_count, ledger_entry, idempotency_key, outbox_message, reservation, ' +
  'reservation_line';

/** The one command that runs the shrunk case alone. */
function replayCommand(details: {
  readonly seed: number;
  readonly counterexample: readonly { toString(): string }[] | null;
  readonly counterexamplePath: string | null;
}): string {
  // fast-check shows it in the text of the commands, and nowhere else.
  const text = details.counterexample?.map((commands) => commands.toString()).join();
  const [, shrunk = ''] = /replayPath="([^"]*)"/.exec(text ?? '') ?? [];
  return (
    `MODEL_SEED=${details.seed} MODEL_PATH=${details.counterexamplePath} ` +
    `MODEL_REPLAY_PATH=${shrunk} npx vitest run test/invariants/model.test.ts`
  );
}

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
      let done = 0;
      const real = { db: handle.db, pool, writer, onStep: () => (done += 1) };
      const sequences = fc.commands(steps, {
        maxCommands: 30,
        // By itself fast-check would make four steps on average.
        size: 'max',
        ...(replayPath === undefined ? {} : { replayPath }),
      });
      const details = await fc.check(
        fc.asyncProperty(sequences, async (commands) => {
          await pool.query(`truncate ${tables}`);
          await fc.asyncModelRun(() => ({ model: new Model(), real }), commands);
        }),
        { numRuns: runs, seed, ...(path === undefined ? {} : { path }) },
      );
      if (details.failed) {
        process.stdout.write(`model suite failed; to see it again: ${replayCommand(details)}\n`);
        throw new Error(fc.defaultReportMessage(details), { cause: details.errorInstance });
      }
      await report('model', 'random commands', { runs: details.numRuns, steps: done, seed });
      expect(writer.writer.queueLength).toBe(0);
    } finally {
      await writer.close();
      await pool.end();
      await handle.close();
      await database.drop();
    }
  },
);

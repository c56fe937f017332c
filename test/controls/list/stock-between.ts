import type { Control } from '../control.ts';

/** Promises of the write path for what happens between the reads of a batch and its commit. */
export const stockBetweenControls: readonly Control[] = [
  {
    id: 'clock-of-nothing',
    promise: 'A command that finds nothing does not set the clock.',
    changes: [
      {
        file: 'src/stock/read-batch.ts',
        before: 'const [databaseMs, rows] = row;',
        after: 'const [databaseMs, rows] = keys.length === 0 ? ([0, []] as const) : row;',
      },
      {
        // Which hides it.
        file: 'src/stock/level-memory.ts',
        before: '        momentMs = Math.max(momentMs, level?.updatedAtMs ?? 0);\n',
        after: '',
      },
    ],
    test: 'test/stock/moment.test.ts',
    name: 'a command that finds nothing does not set the clock of those after it',
  },
  {
    id: 'stamped-before',
    promise: 'A change is never stamped before the one it builds on.',
    changes: [
      {
        file: 'src/stock/level-memory.ts',
        before: '        momentMs = Math.max(momentMs, level?.updatedAtMs ?? 0);\n',
        after: '',
      },
    ],
    test: 'test/stock/moment.test.ts',
    name: 'a change is never stamped before the one it builds on',
  },
  {
    id: 'reservations-of-before',
    promise: 'Reservations are decided on as they are when the levels are read.',
    changes: [
      {
        file: 'src/stock/batch.ts',
        before: 'while (commands.some(({ loader }) => loader !== undefined)) {',
        after: 'while (commands.length === 0) {',
      },
    ],
    test: 'test/stock/other-processes.test.ts',
    name: 'an order that two processes hear of is taken from stock once',
  },
  {
    id: 'sold-to-two-orders',
    promise: 'What was sold without an order goes to one order.',
    changes: [
      {
        file: 'sql/functions/stock_commit_reservations.sql',
        before:
          "      and (r.status <> 'committed' or r.order_id is null or r.order_id = u.order_id)\n",
        after: '',
      },
    ],
    test: 'test/stock/other-processes.test.ts',
    name: 'what was sold without an order goes to one order',
  },
  {
    id: 'lost-and-then-refused',
    promise: 'A change whose commit may have happened is never applied again.',
    changes: [
      {
        file: 'src/stock/batch.ts',
        before: 'if (isFinal && lost.length === 0) throw error;',
        after: 'if (isFinal) throw error;',
      },
    ],
    test: 'test/stock/other-processes.test.ts',
    name: 'a commit whose answer was lost is found, whatever goes wrong after it',
  },
  {
    id: 'remembered-over-a-failover',
    promise: 'What is remembered of levels does not outlive a failover.',
    changes: [
      {
        file: 'src/stock/writer.ts',
        before: "    options.pool.on('connect', () => levels.forgetAll());\n",
        after: '',
      },
    ],
    test: 'test/stock/other-processes.test.ts',
    name: 'levels are not remembered over a failover that lost a commit',
  },
  {
    id: 'answer-of-what-was-undone',
    promise: 'What was undone is no answer to a repeat of it.',
    changes: [
      {
        file: 'src/stock/working-state.ts',
        before: "!undone.has(keyId(command?.merchantId ?? '', key));",
        after: 'undone.size >= 0;',
      },
    ],
    test: 'test/stock/writer.test.ts',
    name: 'all or none: what was undone is no answer to a repeat of it in the same list',
  },
  {
    id: 'busy-neighbours',
    promise: 'A level that somebody else keeps locked makes no other wait in vain.',
    changes: [
      {
        file: 'src/stock/batch.ts',
        before: 'if (code === lockNotAvailable && units.length > 1) throw',
        after: 'if (code === lockNotAvailable && units.length > 99) throw',
      },
    ],
    test: 'test/stock/writer.test.ts',
    name: 'a level that somebody else keeps locked makes no other wait in vain',
  },
  {
    id: 'ledger-read-past-a-writer',
    promise: 'Who reads the ledger on misses no entry that is committed late.',
    changes: [
      {
        file: 'src/stock/ledger-writers.ts',
        before: 'let writing = first.writing;',
        after: 'let writing: readonly string[] = [];',
      },
    ],
    test: 'test/stock/ledger-reader.test.ts',
    name: 'who reads on behind the last entry misses none that is committed late',
  },
];

import type { Control } from '../control.ts';

/** Promises of stock: guards, versions, locks, all or none. */
export const stockControls: readonly Control[] = [
  {
    id: 'availability-guard',
    promise: 'A guarded change leaves at least nothing available.',
    changes: [
      {
        file: 'src/stock/decide.ts',
        before: "if (mode === 'guarded' && effect < 0 && available + effect < 0) {",
        after: 'if (Number.isNaN(available)) {',
      },
    ],
    test: 'test/stock/decide.test.ts',
    name: 'adjust case %#: %o %s %i %s -> %s',
  },
  {
    id: 'availability-guard-of-holds',
    promise: 'No more is held than is available, whoever asks at the same time.',
    changes: [
      {
        file: 'src/reservations/decide.ts',
        before: '  return guardShort(lines, availableOf);\n}',
        after: '  return undefined;\n}',
      },
    ],
    test: 'test/concurrency/two-processes.test.ts',
    name: '300 buyers of 100 pieces: exactly 100 reservations, 200 refusals, no fault',
  },
  {
    id: 'quantity-guard',
    promise: 'No quantity falls below zero.',
    changes: [
      {
        file: 'src/stock/decide.ts',
        before: '  if (after < 0) return insufficient(level[quantity], -delta, level);\n',
        after: '',
      },
    ],
    test: 'test/stock/decide.test.ts',
    name: 'adjust case %#: %o %s %i %s -> %s',
  },
  {
    id: 'expected-version',
    promise: 'A change that names a version is made on that version or not at all.',
    changes: [
      {
        file: 'src/stock/decide.ts',
        before: 'if (expectedVersion !== undefined && expectedVersion !== level.version) {',
        after: 'if (expectedVersion === -1) {',
      },
    ],
    test: 'test/stock/decide.test.ts',
    name: 'a version refusal carries the current level',
  },
  {
    id: 'version-check',
    promise: 'A change is committed only on the figures that it was decided on.',
    changes: [
      {
        file: 'sql/functions/stock_commit.sql',
        before: '\n        and s.version = u.read_version',
        after: '',
      },
    ],
    test: 'test/stock/contention.test.ts',
    name: 'a change that was decided on figures that have moved is decided again',
  },
  {
    id: 'moved-level',
    promise: 'A change whose level has moved is not taken for committed.',
    changes: [
      {
        file: 'sql/functions/stock_commit.sql',
        before: 'if v_done + v_new <> cardinality(p_levels) then',
        after: 'if v_done + v_new > cardinality(p_levels) then',
      },
    ],
    test: 'test/stock/contention.test.ts',
    name: 'a change that was decided on figures that have moved is decided again',
  },
  {
    id: 'read-of-another-database',
    promise: 'What was read of a level is not taken for that of another database.',
    changes: [
      {
        file: 'src/stock/level-reader.ts',
        before: '      this.#seen.clear();\n',
        after: '',
      },
    ],
    test: 'test/stock/level-reader.test.ts',
    name: 'with a new connection, which may be to another database, all is read anew',
  },
  {
    id: 'answer-of-another-database',
    promise: 'Nor is an answer that was on its way when the database changed.',
    changes: [
      {
        file: 'src/stock/level-reader.ts',
        before: 'if (forgotten !== this.#forgotten) continue;',
        after: '',
      },
    ],
    test: 'test/stock/level-reader.test.ts',
    name: 'with a new connection, which may be to another database, all is read anew',
  },
  {
    id: 'read-by-version-alone',
    promise: 'A level is sent again when its row has changed, also by hand.',
    changes: [
      {
        file: 'src/stock/read-batch.ts',
        before: 'select s.xmin as row, *',
        after: 'select s.version::text::xid as row, *',
      },
    ],
    test: 'test/stock/level-reader.test.ts',
    name: 'a level is sent again when its row has changed, by whomever',
  },
  {
    id: 'seen-hold-lasts',
    promise: 'A level that was read frees its hold the moment it ends, though its row is the same.',
    changes: [
      {
        file: 'src/stock/read-batch.ts',
        before: ' or s.first_hold_ends_at <= c.now)',
        after: ')',
      },
    ],
    test: 'test/reservations/reservations.test.ts',
    name: 'each hold ends at its own time, whatever is written before the sweep',
  },
  {
    id: 'lock-order-of-reads',
    promise: 'Locks that are taken before the read are taken in one order, not in that of arrival.',
    changes: [
      {
        file: 'src/stock/read-batch.ts',
        before: '[...keys].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(',
        after: '[...keys].map(',
      },
    ],
    test: 'test/stock/contention.test.ts',
    name: 'levels are locked before the read in one order, whatever that of the commands',
  },
  {
    id: 'lock-order-of-writes',
    promise: 'Levels are written in one order, not in that of arrival.',
    changes: [
      {
        file: 'src/stock/working-state.ts',
        before: '\n      .toSorted((a, b) => (a.id < b.id ? -1 : 1));',
        after: ';',
      },
    ],
    test: 'test/stock/contention.test.ts',
    name: 'levels are written in one order, whatever the order of the commands',
  },
  {
    id: 'lost-commit',
    promise: 'A commit whose connection broke is not applied again.',
    changes: [
      {
        file: 'src/stock/batch.ts',
        before: 'if (await wasCommitted(client, attempt)) {',
        after: "if (attempt.commandId === '') {",
      },
    ],
    test: 'test/stock/writer.test.ts',
    name: 'a connection lost in commit, and %s: applied once',
  },
  {
    id: 'refusal-on-memory',
    promise: 'A refusal is never given on what is only remembered.',
    changes: [
      {
        file: 'src/stock/batch.ts',
        before: 'return isRefused || !batch.state.changesEveryLevel ? undefined : batch;',
        after: 'return !batch.state.changesEveryLevel ? undefined : batch;',
      },
    ],
    test: 'test/stock/level-memory.test.ts',
    name: 'a repeat is answered as a repeat, though it could not be applied any more',
  },
  {
    id: 'unproved-level',
    promise: 'A batch goes by what is remembered only where the commit proves all of it.',
    changes: [
      {
        file: 'src/stock/batch.ts',
        before: 'return isRefused || !batch.state.changesEveryLevel ? undefined : batch;',
        after: 'return batch;',
      },
    ],
    test: 'test/stock/level-memory.test.ts',
    name: 'what is remembered of one level proves nothing for another of the same batch',
  },
  {
    id: 'remembered-hold',
    promise: 'A hold that is remembered is free the moment it expires.',
    changes: [
      {
        file: 'src/stock/level-memory.ts',
        before: '      if (level.nextHoldEndsMs > momentMs) continue;\n',
        after: '      if (level.nextHoldEndsMs > 0) continue;\n',
      },
    ],
    test: 'test/stock/level-memory.test.ts',
    name: 'a remembered hold counts no longer once its time has come',
  },
  {
    id: 'atomic-levels',
    promise: 'What is refused together leaves the levels as they were.',
    changes: [
      {
        file: 'src/stock/working-state.ts',
        before:
          '    for (const { level, before } of undo.toReversed()) ' +
          'Object.assign(level, before);\n',
        after: '',
      },
    ],
    test: 'test/stock/writer.test.ts',
    name: 'what is refused together is unseen by its neighbours in the batch',
  },
  {
    id: 'atomic-entries',
    promise: 'What is refused together leaves no ledger entries.',
    changes: [
      {
        file: 'src/stock/working-state.ts',
        before: '    this.entries.length = marks[0];\n',
        after: '',
      },
    ],
    test: 'test/stock/writer.test.ts',
    name: 'all or none: a refused mutation leaves no trace of the others',
  },
  {
    id: 'atomic-keys',
    promise: 'What is refused together is not remembered by its keys.',
    changes: [
      {
        file: 'src/stock/working-state.ts',
        before: 'for (const id of undone) this.#answers.delete(id);',
        after: 'for (const id of undone) this.#answers.has(id);',
      },
    ],
    test: 'test/stock/writer.test.ts',
    name: 'what is refused together is unseen by its neighbours in the batch',
  },
  {
    id: 'neighbours',
    promise: 'A command that cannot be written fails alone.',
    changes: [
      {
        file: 'src/stock/writer.ts',
        before: 'for (const unit of units) answers.push(await this.#settle([unit]));',
        after: 'for (const unit of units) answers.push(() => unit.reject(fault));',
      },
    ],
    test: 'test/stock/writer.test.ts',
    name: 'a command that Postgres will not take fails alone',
  },
  {
    id: 'preview',
    promise: 'A preview changes nothing.',
    changes: [
      {
        file: 'src/stock/writer.ts',
        before: '    return decideUnit(state, { commands, atomic });',
        after:
          '    return decideUnit(state, { commands, atomic }) && this.submit(commands, atomic);',
      },
    ],
    test: 'test/stock/writer.test.ts',
    name: 'a preview answers as a submit would and changes nothing',
  },
];

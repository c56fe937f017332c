import type { Control } from '../control.ts';

/** Promises that hold while processes, connections and the database come and go. */
export const faultControls: readonly Control[] = [
  {
    id: 'lost-commit-taken-for-done',
    promise: 'A commit whose answer was lost is looked up, and not taken for done.',
    changes: [
      {
        file: 'src/stock/lost-attempt.ts',
        before: '  return rowCount === 0;\n',
        after: '  return true;\n',
      },
    ],
    test: 'test/faults/connections.test.ts',
    name: 'connections cut in the middle of COMMIT',
  },
  {
    id: 'clock-of-the-database',
    promise: "What is recorded is recorded by the database's clock, whatever a process believes.",
    changes: [
      {
        file: 'src/stock/read-batch.ts',
        before: '  return { now: new Date(nowMs), ',
        after: '  return { now: new Date(), ',
      },
    ],
    test: 'test/faults/processes.test.ts',
    name: 'the clock of one process is %s',
  },
  {
    id: 'requests-finish',
    promise: 'A service that is told to end lets the requests under way finish.',
    changes: [
      {
        file: 'src/http/gentle-close.ts',
        before: '      if (now >= deadline) {\n',
        after: '      if (now <= deadline) {\n',
      },
    ],
    test: 'test/http/limits.test.ts',
    name: 'waits for a request that is still being sent',
  },
  {
    id: 'second-signal',
    promise: 'A second SIGTERM ends a process at once.',
    changes: [
      {
        file: 'src/cli/serve.ts',
        before: '  endAtOnceOnTheNext();\n',
        after: "  process.on('SIGTERM', () => undefined);\n",
      },
    ],
    test: 'test/faults/processes.test.ts',
    name: 'a second SIGTERM ends the process at once',
  },
  {
    id: 'cut-off-is-no-success',
    promise: 'A process that had to cut a request off does not end with 0.',
    changes: [
      {
        file: 'src/cli/serve.ts',
        before: '  return ending ? 0 : 1;\n',
        after: '  return ending ? 0 : 0;\n',
      },
    ],
    test: 'test/faults/processes.test.ts',
    name: 'what is cut off at the end of its time is no success',
  },
  {
    id: 'full-disk',
    promise: 'What the database cannot do as things stand is told as unavailable, not as a fault.',
    changes: [
      {
        file: 'src/db/failure.ts',
        before: "exhausted.test(sqlStateOf(error) ?? '') || ",
        after: '',
      },
    ],
    test: 'test/db/failure.test.ts',
    name: '%s, %s: %s, unavailable: %s',
  },
];

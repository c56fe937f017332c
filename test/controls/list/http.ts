import type { Control } from '../control.ts';

/** Promises of the HTTP contract: answers, limits, what is shown to whom. */
export const httpControls: readonly Control[] = [
  {
    id: 'database-away',
    promise: 'Without the database requests are answered with 503 and not as a fault.',
    changes: [
      {
        file: 'src/http/fault.ts',
        before: 'return isDatabaseAway(error) ? away : fault;',
        after: 'return error instanceof TypeError ? away : fault;',
      },
    ],
    test: 'test/http/database-gone.test.ts',
    name: 'without the database requests get 503, and go on by themselves when it is back',
  },
  {
    id: 'hidden-faults',
    promise: 'What goes wrong inside is told to nobody but the log.',
    changes: [
      {
        file: 'src/http/run-operation.ts',
        before: '  return refusalOfFault(error);',
        after: '  return { ...refusalOfFault(error), detail: String(error) };',
      },
    ],
    test: 'test/http/limits.test.ts',
    name: 'what goes wrong inside is told to nobody but the log',
  },
  {
    id: 'rate-limit',
    promise: 'No key makes more requests than it may.',
    changes: [
      {
        file: 'src/http/rate-limit.ts',
        before: 'if (bucket.tokens >= 1)',
        after: 'if (bucket.tokens >= -99)',
      },
    ],
    test: 'test/http/limits.test.ts',
    name: 'that was asked for holds for every key, each by itself',
  },
  {
    id: 'load-shedding',
    promise: 'When too much waits, changes are shed.',
    changes: [
      {
        file: 'src/http/run-operation.ts',
        before: 'return operation.changes === true && isFull ? shed : undefined;',
        after: 'return undefined;',
      },
    ],
    test: 'test/http/limits.test.ts',
    name: 'when too much waits, changes are shed and reads are not',
  },
  {
    id: 'closing',
    promise: 'A server that closes answers on idle connections once more and then ends them.',
    changes: [{ file: 'src/http/server.ts', before: '      desk.isClosing = true;\n', after: '' }],
    test: 'test/http/limits.test.ts',
    name: 'answers once more on a connection that was idle, and then ends it',
  },
  {
    id: 'closing-reads-first',
    promise: 'A server that closes answers what had arrived, though it stood still meanwhile.',
    changes: [
      {
        file: 'src/http/gentle-close.ts',
        before: 'setInterval(() => setImmediate(endThose), tickMs)',
        after: 'setInterval(endThose, tickMs)',
      },
    ],
    test: 'test/http/limits.test.ts',
    name: 'answers what had arrived, though it stood still in the meantime',
  },
  {
    id: 'closing-takes-waiting',
    promise: 'A server that closes answers connections that the kernel has let in.',
    changes: [
      { file: 'src/http/gentle-close.ts', before: '    await takeWaiting(server);\n', after: '' },
    ],
    test: 'test/http/limits.test.ts',
    name: 'answers connections that were waiting to be taken',
  },
  {
    id: 'if-match',
    promise: 'A change with If-Match is made on that version or not at all.',
    changes: [
      {
        file: 'src/http/stock-commands.ts',
        before: '{ delta, quantity, mode, ifMatch, expectedVersion }',
        after: '{ delta, quantity, mode, expectedVersion }',
      },
    ],
    test: 'test/http/stock.test.ts',
    name: 'If-Match %s gives %i at version 2',
  },
  {
    id: 'if-none-match',
    promise: 'Who has the newest version already is not sent it again.',
    changes: [
      {
        file: 'src/http/routes/get-level.ts',
        before: 'return isSame ?',
        after: 'return !isSame ?',
      },
    ],
    test: 'test/http/stock.test.ts',
    name: 'If-None-Match %s gives %i at version 1',
  },
  {
    id: 'etag-of-ended-holds',
    promise: 'A level is shown anew when a hold has ended, though its version is the same.',
    changes: [{ file: 'src/http/routes/get-level.ts', before: '!read.holdsEnded && ', after: '' }],
    test: 'test/http/stock.test.ts',
    name: 'is shown anew when a hold has ended that no sweep has written down',
  },
  {
    id: 'etag',
    promise: 'The answer to a change bears the version of the level.',
    changes: [
      { file: 'src/http/command-reply.ts', before: 'version: versionIn(body), ', after: '' },
    ],
    test: 'test/http/stock.test.ts',
    name: 'is created by a count, changed by the next, and shows its version as ETag',
  },
  {
    id: 'atomic-mutations',
    promise: 'Of an atomic list all are applied or none.',
    changes: [
      {
        file: 'src/http/routes/apply-mutations.ts',
        before: 'await writer.submit(commands, atomic)',
        after: 'await writer.submit(commands)',
      },
    ],
    test: 'test/http/mutations.test.ts',
    name: 'of an atomic list all or none are applied',
  },
  {
    id: 'dry-run',
    promise: 'A dry run changes nothing and remembers nothing.',
    changes: [
      {
        file: 'src/http/routes/apply-mutations.ts',
        before: '    if (query.dryRun === true) return undefined;\n',
        after: '',
      },
    ],
    test: 'test/http/mutations.test.ts',
    name: 'a dry run gives the same answer and changes nothing',
  },
  {
    id: 'silent-log',
    promise: 'Neither keys nor bodies are logged.',
    changes: [
      {
        file: 'src/http/request-log.ts',
        before: `,"msg":"request"}\\n'`,
        after: `,"body":"confidential","msg":"request"}\\n'`,
      },
    ],
    test: 'test/http/conventions.test.ts',
    name: 'neither keys nor bodies are logged, and each request is one line',
  },
  {
    id: 'line-of-another',
    promise: 'The line of a request names its own caller.',
    changes: [
      {
        file: 'src/http/request-log.ts',
        before: 'if (caller !== this.#lastCaller) {',
        after: 'if (this.#lastCaller === undefined) {',
      },
    ],
    test: 'test/http/conventions.test.ts',
    name: 'the line of a request names its caller, and nobody where there was none',
  },
  {
    id: 'answers-of-one-byte',
    promise: 'Answers are UTF-8, whatever is in them.',
    changes: [
      {
        file: 'src/http/send.ts',
        before: 'const length = Buffer.byteLength(body);',
        after: "const length = Buffer.byteLength(body, 'latin1');",
      },
    ],
    test: 'test/http/conventions.test.ts',
    name: 'answers are UTF-8',
  },
  {
    id: 'foreign-scripts',
    promise: 'The page to read the API loads nothing from another host.',
    changes: [
      {
        file: 'src/http/routes/get-docs.ts',
        before: "script-src 'self'",
        after: "script-src 'self' https://cdn.example",
      },
    ],
    test: 'test/http/openapi.test.ts',
    name: 'the page to read it loads nothing from another host',
  },
  {
    id: 'whole-description',
    promise: 'The description names every route.',
    changes: [
      {
        file: 'src/http/openapi.ts',
        before: 'for (const operation of operations) describeOperation(',
        after: 'for (const operation of operations.slice(1)) describeOperation(',
      },
    ],
    test: 'test/http/openapi.test.ts',
    name: 'the description names every route there is, and no other',
  },
  {
    id: 'described-answers',
    promise: 'Every answer is one that the description allows.',
    changes: [
      {
        file: 'src/http/routes/put-channel.ts',
        before: 'z.strictObject({\n        ...channelView.shape,\n',
        after: 'channelView.extend({\n',
      },
    ],
    test: 'test/http/fuzz/fuzz.test.ts',
    name: '%s takes the worst values in every place',
  },
  {
    id: 'unmatched-routes',
    promise: 'Paths that no route has are counted as one.',
    changes: [
      {
        file: 'src/http/router.ts',
        before: "bindRoute('any', 'unmatched')",
        after: "bindRoute('any', '/nothing/')",
      },
    ],
    test: 'test/monitoring/metrics.test.ts',
    name: 'requests, refusals, conflicts, replays and batches are counted',
  },
  {
    id: 'conflict-metric',
    promise: 'Conflicts are counted.',
    changes: [
      {
        file: 'src/monitoring/metrics.ts',
        before: 'if (conflicts.has(code)) conflictCount.inc();',
        after: '',
      },
    ],
    test: 'test/monitoring/metrics.test.ts',
    name: 'requests, refusals, conflicts, replays and batches are counted',
  },
];

import type { Control } from '../control.ts';

/** What passes of the relay and rounds of channels may cost. */
export const roundControls: readonly Control[] = [
  {
    id: 'claims-read-all-jobs',
    promise: 'What a claim costs does not follow the number of finished jobs.',
    changes: [
      {
        file: 'src/jobs/rounds-database.ts',
        before: "enable_seqscan: 'off'",
        after: "enable_seqscan: 'on'",
      },
    ],
    test: 'test/jobs/claims.test.ts',
    name: 'claims and completions planned while there were few jobs look at few of many',
  },
  {
    id: 'claims-asked-twice',
    promise: 'A round that claimed all there was does not ask again.',
    changes: [
      {
        file: 'src/jobs/channel-worker.ts',
        before: 'if (wereAll && (isCollected || !this.#claimAgain)) break;',
        after: 'if (jobs.length === 0) break;',
      },
    ],
    test: 'test/jobs/claims.test.ts',
    name: 'a round that was all there was to do asks once',
  },
  {
    id: 'read-before-moved',
    promise: 'With a channel that has moved, what was read before is read anew.',
    changes: [
      {
        file: 'src/jobs/read-due.ts',
        before: 'channel = reloaded;',
        after: 'return { channel: reloaded, due, clock: { readAt, askedAt, knownAt: askedAt } };',
      },
    ],
    test: 'test/jobs/read-due.test.ts',
    name: 'with a channel that has moved, what was read before it had is not worked',
  },
  {
    id: 'relay-without-distance',
    promise: 'Passes of the relay leave a busy machine time.',
    changes: [
      {
        file: 'src/jobs/relay-loop.ts',
        before: 'gapOfPasses * this.#passMs',
        after: '0 * this.#passMs',
      },
    ],
    test: 'test/jobs/relay-loop.test.ts',
    name: 'passes that take long begin 80 ms apart',
  },
  {
    id: 'claims-of-one-size',
    promise: 'A channel that is behind does not fall further behind because its jobs are small.',
    changes: [
      {
        file: 'src/jobs/claim-size.ts',
        before: '[fewestClaimed, 40, 80, 160, 320, 500]',
        after: '[fewestClaimed]',
      },
    ],
    test: 'test/jobs/delivery.test.ts',
    name: 'many small jobs are claimed together',
  },
  {
    id: 'backlog-before-writer',
    promise: 'A channel that is behind leaves a busy writer time.',
    changes: [
      {
        file: 'src/jobs/channel-worker.ts',
        before: 'this.#context.isBusy() && this.#pace.rests(begunAt, now)',
        after: 'this.#context.isBusy() && !this.#pace.rests(begunAt, now) && false',
      },
    ],
    test: 'test/jobs/calls-together.test.ts',
    name: 'beside %s rounds rest or do not',
  },
  {
    id: 'marked-row-by-row',
    promise: 'What a pass of the relay costs follows the number of its levels.',
    changes: [
      {
        file: 'sql/functions/listing_mark.sql',
        before: 'set enable_nestloop = off',
        after: 'set enable_hashjoin = off set enable_mergejoin = off',
      },
    ],
    test: 'test/channels/plans.test.ts',
    name: 'ten times as many listings cost about ten times as much',
  },
];

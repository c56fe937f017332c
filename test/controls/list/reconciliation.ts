import type { Control } from '../control.ts';

/** Promises of reconciliation: what is drift, and what is done about it. */
export const reconciliationControls: readonly Control[] = [
  {
    id: 'drift-in-flight',
    promise: 'What is on its way to a channel is no drift.',
    changes: [
      {
        file: 'src/channels/shown-listings.ts',
        before: '    expected: row.expected,',
        after: '    expected: row.expected ?? row.ours,',
      },
      {
        file: 'src/reconciliation/channel-part.ts',
        before:
          'return observed === before?.observed && marks.get(keyOf(listing)) === before.mark;',
        after: 'return observed === before?.observed;',
      },
    ],
    test: 'test/reconciliation/channels.test.ts',
    name: 'what is on its way to the channel is not reported',
  },
  {
    id: 'drift-two-looks',
    promise: 'What changes between the two looks is no drift.',
    changes: [
      {
        file: 'src/reconciliation/channel-part.ts',
        before:
          'return observed === before?.observed && marks.get(keyOf(listing)) === before.mark;',
        after: 'return true;',
      },
    ],
    test: 'test/reconciliation/channels.test.ts',
    name: 'a change between the two looks is left to the delivery',
  },
  {
    id: 'drift-threshold',
    promise: 'A drift at the threshold waits for an approval.',
    changes: [
      {
        file: 'src/reconciliation/channel-drift.ts',
        before: 'Math.abs(expected - observed) >= context.settings',
        after: 'Math.abs(expected - observed) > context.settings',
      },
    ],
    test: 'test/reconciliation/channels.test.ts',
    name: 'a drift at the threshold waits for an approval, and alerts once',
  },
  {
    id: 'drift-measured-anew',
    promise: 'An approved drift of a channel whose figures have changed is not applied.',
    changes: [
      {
        file: 'src/reconciliation/check-approved.ts',
        before: 'listing.ours === drift.expected && observed === drift.observed',
        after: 'listing.ours === drift.expected',
      },
    ],
    test: 'test/reconciliation/channels.test.ts',
    name: 'an approved drift whose figures have changed is measured anew',
  },
  {
    id: 'correction-measured-anew',
    promise: 'An approved drift of a source whose figures have changed is not applied.',
    changes: [
      {
        file: 'src/sources/correct-figures.ts',
        before: 'if (one.expected - one.observed !== units)',
        after: 'if (units === 0)',
      },
    ],
    test: 'test/reconciliation/sources.test.ts',
    name: 'a drift at the threshold waits, and is measured anew when ours has moved',
  },
  {
    id: 'drift-as-of',
    promise: 'Orders that a source cannot have known are no drift.',
    changes: [
      {
        file: 'src/sources/compare-figures.ts',
        before: 'const later = laterOfEach[index] ?? nothingLater;',
        after: 'const later = nothingLater;',
      },
    ],
    test: 'test/reconciliation/sources.test.ts',
    name: 'orders since the source looked are no drift, and stay on top of a correction',
  },
  {
    id: 'drift-not-read-yet',
    promise: 'A change of a source that was merely not read yet is no drift.',
    changes: [
      {
        file: 'src/reconciliation/source-part.ts',
        before: "=== 'delta'",
        after: '=== undefined',
      },
    ],
    test: 'test/reconciliation/sources.test.ts',
    name: 'a change that was merely not read yet is read, and is no drift',
  },
  {
    id: 'drift-all-zero',
    promise: 'A snapshot that says zero for everything waits for an approval.',
    changes: [
      {
        file: 'src/reconciliation/source-part.ts',
        before: 'holdsZeros: zeros > most',
        after: 'holdsZeros: false',
      },
    ],
    test: 'test/reconciliation/sources.test.ts',
    name: 'a snapshot that says zero for everything changes nothing and raises one alert',
  },
  {
    id: 'run-once',
    promise: 'By the clock of several processes one run begins.',
    changes: [
      {
        file: 'src/reconciliation/request-run.ts',
        before: 'if (open !== undefined) continue;',
        after: '',
      },
    ],
    test: 'test/reconciliation/runs.test.ts',
    name: 'two processes do one run, and compare each listing once',
  },
  {
    id: 'run-taken-over',
    promise: 'A run of a killed process is gone on with where it was.',
    changes: [
      {
        file: 'src/reconciliation/channel-part.ts',
        before: 'listingKeysAfter(db, reader, after, maxBatch)',
        after: 'listingKeysAfter(db, reader, null, after === null ? maxBatch : 0)',
      },
    ],
    test: 'test/reconciliation/runs.test.ts',
    name: 'a run whose process is killed is gone on with, and no listing is left out',
  },
];

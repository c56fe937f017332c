import type { Control } from '../control.ts';

/** Promises to channels: messages, entries, listings and secrets. */
export const channelControls: readonly Control[] = [
  {
    id: 'message-id',
    promise: 'A retry of the same content is the same message.',
    changes: [
      {
        file: 'src/channels/message-id.ts',
        before: 'const text = JSON.stringify([merchantId,',
        after: 'const text = Math.random() + JSON.stringify([merchantId,',
      },
    ],
    test: 'test/channels/plan-call.test.ts',
    name: 'a message id follows from the content and from nothing else',
  },
  {
    id: 'own-entries',
    promise: 'A channel that gets every entry is not sent its own.',
    changes: [
      {
        file: 'src/channels/plan-entries.ts',
        before: 'isOwn && previous !== null && previous > 0 && changesAvailable(',
        after: 'isOwn && previous !== null && previous > 999 && changesAvailable(',
      },
    ],
    test: 'test/jobs/every-mode.test.ts',
    name: "a channel's own entries are left out and the others keep their figures",
  },
  {
    id: 'echo-unknown-to-the-level',
    promise: 'A level says when a channel changed it: else nobody would look for that.',
    changes: [
      {
        file: 'sql/functions/stock_commit.sql',
        before: 'if p_by_channel then',
        after: 'if false then',
      },
    ],
    test: 'test/jobs/echo.test.ts',
    name: "a channel's own sale is told to the others and not to itself",
  },
  {
    id: 'record-on-a-row-of-before',
    promise: 'A listing that changes while its record waits is not passed over.',
    changes: [
      {
        file: 'sql/functions/listing_record.sql',
        before: '    for update) l on true;',
        after: '    ) l on true;',
      },
    ],
    test: 'test/channels/listing-record.test.ts',
    name: 'is taken for a listing that changed while the record waited for it',
  },
  {
    id: 'ledger-looked-into-for-all',
    promise: 'The ledger is looked into only for levels that some channel changed.',
    changes: [
      {
        file: 'sql/functions/delivery_read.sql',
        before: 'where s.channel_version > l.published_version and l.',
        after: 'where l.',
      },
    ],
    test: 'test/channels/plans.test.ts',
    name: 'the ledger is looked into only where some channel changed the level',
  },
  {
    id: 'whole-versions',
    promise: 'A version of several entries is never cut in two.',
    changes: [{ file: 'src/channels/plan-entries.ts', before: 'end -= 1;\n', after: 'break;\n' }],
    test: 'test/jobs/every-mode.test.ts',
    name: 'a version of several entries is never cut in two: %s',
  },
  {
    id: 'whole-versions-of-a-page',
    promise:
      'A version of several entries is sent whole where a page of the ledger ends within it.',
    changes: [
      {
        file: 'src/channels/plan-entries.ts',
        before: 'entries.length < limit ? entries.length : lastVersionStart(entries)',
        after: 'entries.length',
      },
    ],
    test: 'test/jobs/every-mode.test.ts',
    name: 'a version of several entries is never cut in two: %s',
  },
  {
    id: 'entries-in-order',
    promise: 'Entries are delivered in the order of their versions.',
    changes: [
      {
        file: 'sql/functions/delivery_entries.sql',
        before: 'order by e.version, e.quantity limit p_limit',
        after: 'order by e.version desc, e.quantity limit p_limit',
      },
    ],
    test: 'test/jobs/every-mode.test.ts',
    name: 'a long backlog is delivered in whole versions, call by call',
  },
  {
    id: 'signature',
    promise: 'A message with another signature is not taken.',
    changes: [
      {
        file: 'src/channels/webhook/signature.ts',
        before: 'given.length === expected.length && timingSafeEqual(given, expected)',
        after: 'given.length === expected.length || timingSafeEqual(given, expected)',
      },
    ],
    test: 'test/channels/signature.test.ts',
    name: 'one fitting signature among several is enough',
  },
  {
    id: 'signature-age',
    promise: 'A message that was signed long ago is not taken.',
    changes: [
      {
        file: 'src/channels/webhook/signature.ts',
        before: 'if (Math.abs(ageSeconds) > toleranceSeconds) {',
        after: 'if (ageSeconds > 1e12) {',
      },
    ],
    test: 'test/channels/signature.test.ts',
    name: 'a message signed %i seconds ago: %s',
  },
  {
    id: 'private-name',
    promise: 'A name that leads to a private address is not called.',
    changes: [
      {
        file: 'src/public-address.ts',
        before:
          'if (first === undefined || addresses.some(({ address }) => ' +
          '!isPublicAddress(address))) {',
        after: 'if (first === undefined) {',
      },
    ],
    test: 'test/channels/webhook.test.ts',
    name: 'a guarded adapter does not call %s',
  },
  {
    id: 'listed-once',
    promise: 'An event about a listing is taken once.',
    changes: [
      {
        file: 'src/http/take-event.ts',
        before: 'return performOnce(services, claimed, async () => {',
        after:
          'return ((_: unknown, __: unknown, perform: () => Promise<Reply>) => ' +
          'perform())(services, claimed, async () => {',
      },
    ],
    test: 'test/http/channels.test.ts',
    name: 'are told one by one, in bulk, and by an event',
  },
  {
    id: 'secret-shown-once',
    promise: "A channel's secret is shown once.",
    changes: [
      {
        file: 'src/http/routes/put-channel.ts',
        before: 'secret === undefined ? channel',
        after: "secret === '' ? channel",
      },
    ],
    test: 'test/http/channels.test.ts',
    name: 'is created with a secret that is shown once, and changed without it',
  },
];

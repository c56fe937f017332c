import type { Control } from '../control.ts';

/** Promises of idempotency: once for a key, and the first answer again. */
export const idempotencyControls: readonly Control[] = [
  {
    id: 'fingerprint',
    promise: 'A key that comes with another request is refused.',
    changes: [
      {
        file: 'src/idempotency/judge-key.ts',
        before: 'if (remembered.fingerprint !== fingerprint) {',
        after: "if (fingerprint === '') {",
      },
    ],
    test: 'test/stock/writer.test.ts',
    name: 'a key that comes with another request is refused and changes nothing',
  },
  {
    id: 'repeat',
    promise: 'A repeat gets the first answer and changes nothing.',
    changes: [
      {
        file: 'src/stock/working-state.ts',
        before: "      if (verdict.kind === 'replayed') return verdict;\n",
        after: '',
      },
    ],
    test: 'test/stock/writer.test.ts',
    name: 'a command sent three times at once is applied once and answered the same',
  },
  {
    id: 'repeat-in-batch',
    promise: 'A repeat in the same batch gets the first answer and changes nothing.',
    changes: [
      {
        file: 'src/stock/working-state.ts',
        before: '      this.#answers.set(id, {',
        after: '      new Map<string, unknown>().set(id, {',
      },
    ],
    test: 'test/stock/writer.test.ts',
    name: 'a command that comes twice in one batch is applied once',
  },
  {
    id: 'key-expiry',
    promise: 'A key is kept no longer than promised.',
    changes: [
      {
        file: 'src/idempotency/judge-key.ts',
        before: 'remembered.expiresAt <= now) return',
        after: 'remembered.expiresAt < new Date(0)) return',
      },
    ],
    test: 'test/stock/writer.test.ts',
    name: 'a key whose time is over is as good as new',
  },
  {
    id: 'claimed-key',
    promise: 'A key is claimed by one request at a time.',
    changes: [
      {
        file: 'src/idempotency/claim.ts',
        before: '      where k.expires_at <= clock_timestamp()\n',
        after: '      where true\n',
      },
    ],
    test: 'test/http/idempotency.test.ts',
    name: 'is refused after a request that was not one change of stock',
  },
  {
    id: 'dropped-claim',
    promise: 'A refusal is not remembered: its key is free again.',
    changes: [
      {
        file: 'src/http/claim.ts',
        before: '  } else {\n    await dropClaim(db, request, claim.token);',
        after: '  } else {\n    claim.token.getTime();',
      },
    ],
    test: 'test/http/idempotency.test.ts',
    name: 'a refusal of a whole request is not remembered either',
  },
  {
    id: 'fingerprint-of-claims',
    promise: 'Requests that are remembered whole are told apart by what they say.',
    changes: [
      {
        file: 'src/http/claim.ts',
        before: 'fingerprint(...claimed.request.map(canonical))',
        after: "fingerprint('same')",
      },
    ],
    test: 'test/http/idempotency.test.ts',
    name: 'is refused after a request that was not one change of stock',
  },
  {
    id: 'fingerprint-of-all-parts',
    promise: 'All that a change says makes it the request that it is.',
    changes: [
      {
        file: 'src/http/stock-commands.ts',
        before: 'expectedVersion, occurredAt, ifMatch];',
        after: 'expectedVersion, occurredAt, ifMatch].slice(0, 2);',
      },
    ],
    test: 'test/http/idempotency.test.ts',
    name: 'is refused, whatever differs',
  },
  {
    id: 'sealed-answers',
    promise: 'An answer with a secret is stored encrypted.',
    changes: [
      {
        file: 'src/http/claim.ts',
        before: 'body: claimed.secret\n',
        after: "body: claimed.secret && text === ''\n",
      },
    ],
    test: 'test/http/idempotency.test.ts',
    name: 'a secret answer is stored encrypted',
  },
  {
    id: 'list-named-as-its-change',
    promise: 'A list that bears the name of one of its changes is another request.',
    changes: [
      {
        file: 'src/http/routes/apply-mutations.ts',
        before: 'body.mutations.some(({ id }) => id === key)',
        after: 'false',
      },
    ],
    test: 'test/http/idempotency.test.ts',
    name: 'a list may bear the name of one of its own changes',
  },
  {
    id: 'event-source',
    promise: 'Events of two sources are two events, though their ids are the same.',
    changes: [
      {
        file: 'src/http/take-event.ts',
        before: '`event\\u001f${event.source}\\u001f${event.id}`',
        after: '`event\\u001f${event.id}`',
      },
    ],
    test: 'test/http/reservations.test.ts',
    name: 'order.confirmed takes the lines from stock, all or none, once',
  },
  {
    id: 'event-and-key',
    promise: 'The id of an event is no key that a caller could choose.',
    changes: [
      {
        file: 'src/http/take-event.ts',
        before: '`event\\u001f${event.source}\\u001f${event.id}`',
        after: 'event.id',
      },
    ],
    test: 'test/http/reservations.test.ts',
    name: 'and a key chosen by a caller never meet',
  },
];

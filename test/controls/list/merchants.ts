import type { Control } from '../control.ts';

/** Promises between merchants: each sees and changes what is its own. */
export const merchantControls: readonly Control[] = [
  {
    id: 'reservation-of-another',
    promise: 'A reservation is shown to its merchant alone.',
    changes: [
      {
        file: 'src/http/routes/get-reservation.ts',
        before: '{ merchantId, ...params }',
        after: "{ merchantId: 'default', ...params }",
      },
    ],
    test: 'test/http/tenancy.test.ts',
    name: 'to another merchant %s shows and changes nothing of ours',
  },
  {
    id: 'ledger-of-another',
    promise: 'A ledger is shown to its merchant alone.',
    changes: [
      {
        file: 'src/http/routes/list-ledger.ts',
        before: '      merchantId,\n',
        after: "      merchantId: 'default',\n",
      },
    ],
    test: 'test/http/tenancy.test.ts',
    name: 'to another merchant %s shows and changes nothing of ours',
  },
  {
    id: 'key-of-another',
    promise: 'A key is revoked by its merchant alone.',
    changes: [
      { file: 'src/http/routes/delete-key.ts', before: 'caller.merchantId', after: "'default'" },
    ],
    test: 'test/http/tenancy.test.ts',
    name: 'to another merchant %s shows and changes nothing of ours',
  },
  {
    id: 'level-of-another',
    promise: 'A level is changed by its merchant alone.',
    changes: [
      {
        file: 'src/http/stock-commands.ts',
        before: 'return { merchantId: caller.merchantId, sku, storeId };',
        after: "return { merchantId: 'default', sku, storeId };",
      },
    ],
    test: 'test/http/tenancy.test.ts',
    name: 'to another merchant %s shows and changes nothing of ours',
  },
  {
    id: 'channel-of-another',
    promise: 'A channel is shown to its merchant alone.',
    changes: [
      { file: 'src/http/routes/get-channel.ts', before: 'caller.merchantId', after: "'default'" },
    ],
    test: 'test/http/tenancy.test.ts',
    name: 'to another merchant %s shows and changes nothing of ours',
  },
  {
    id: 'dead-letters-of-another',
    promise: 'Dead letters are redriven by their merchant alone.',
    changes: [
      {
        file: 'src/http/routes/redrive-dead-letters.ts',
        before: 'redrive(services.db, { merchantId, ...body })',
        after: "redrive(services.db, { ...body, merchantId: 'default' })",
      },
    ],
    test: 'test/http/tenancy.test.ts',
    name: 'to another merchant %s shows and changes nothing of ours',
  },
  {
    id: 'deliveries-of-another',
    promise: 'Deliveries are shown to their merchant alone.',
    changes: [
      {
        file: 'src/http/routes/list-deliveries.ts',
        before: '{ merchantId, ...filter,',
        after: "{ ...filter, merchantId: 'default',",
      },
    ],
    test: 'test/http/tenancy.test.ts',
    name: 'to another merchant %s shows and changes nothing of ours',
  },
  {
    id: 'channel-hears-another',
    promise: 'A channel hears of the stock of its merchant alone.',
    changes: [
      {
        file: 'sql/functions/listing_mark.sql',
        before: 'join channel c on c.merchant_id = u.merchant_id and c.enabled',
        after: 'join channel c on c.enabled',
      },
    ],
    test: 'test/jobs/delivery.test.ts',
    name: 'another merchant hears nothing of it',
  },
  {
    id: 'named-merchant',
    promise: 'A key speaks for no other merchant than its own.',
    changes: [
      {
        file: 'src/http/auth.ts',
        before: 'merchantId === holder.merchantId ? holder : otherMerchant',
        after: 'holder',
      },
    ],
    test: 'test/http/conventions.test.ts',
    name: 'the admin key acts for the merchant it names, others only for their own',
  },
  {
    id: 'root-only',
    promise: 'What is for the admin key alone is refused to other keys.',
    changes: [
      {
        file: 'src/http/run-operation.ts',
        before: "  if (operation.access === 'root' && role !== 'root') return forbidden;\n",
        after: '',
      },
    ],
    test: 'test/http/conventions.test.ts',
    name: 'a plain key manages neither keys nor merchants, an admin key only keys',
  },
  {
    id: 'revoked-key',
    promise: 'A revoked key stops working within 5 seconds.',
    changes: [
      {
        file: 'src/http/auth.ts',
        before: 'const knownMs = 5_000;',
        after: 'const knownMs = 50_000;',
      },
    ],
    test: 'test/http/auth.test.ts',
    name: 'a key is asked for once in five seconds: so soon a revocation takes effect',
  },
  {
    id: 'queues-for-root',
    promise: 'The pages of the queues are for the admin key alone.',
    changes: [
      {
        file: 'src/http/admin-queues.ts',
        before: "return caller.role === 'root' ? undefined :",
        after: 'return caller.role !== undefined ? undefined :',
      },
    ],
    test: 'test/http/admin-queues.test.ts',
    name: 'ask a browser for the admin key',
  },
];

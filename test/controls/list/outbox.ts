import type { Control } from '../control.ts';

/** Promises of the outbox and the relay: no message without its change, and none lost. */
export const outboxControls: readonly Control[] = [
  {
    id: 'outbox-in-transaction',
    promise: 'A change and its outbox message are committed together or not at all.',
    changes: [
      {
        file: 'sql/functions/stock_commit.sql',
        before:
          '  insert into outbox_message (merchant_id, sku, location_id, version, ' +
          'recorded_at)\n' +
          '  select u.merchant_id, u.sku, u.location_id, u.version, p_recorded_at\n' +
          '  from unnest(p_entries) as u\n' +
          '  where u.message;\n',
        after: '',
      },
      {
        file: 'src/stock/commit-batch.ts',
        before: '  return rows[0]?.[0] ?? 0;\n',
        after:
          '  await client.query(\n' +
          '    `insert into outbox_message (merchant_id, sku, location_id, version, ' +
          'recorded_at)\n' +
          '     select distinct merchant_id, sku, location_id, version, recorded_at\n' +
          '     from ledger_entry where recorded_at = $1`,\n' +
          '    [state.now.toISOString()],\n' +
          '  );\n' +
          '  return rows[0]?.[0] ?? 0;\n',
      },
    ],
    test: 'test/stock/contention.test.ts',
    name: 'a change and its message are there together or not at all',
  },
  {
    id: 'outbox-by-id',
    promise:
      'A message that is committed late is not passed over: the outbox is not ' +
      'read by `id > last`.',
    changes: [
      {
        file: 'src/outbox/take-messages.ts',
        before: 'export async function takeMessages(',
        after: 'let last = 0;\nexport async function takeMessages(',
      },
      {
        file: 'src/outbox/take-messages.ts',
        before: '        where o.merchant_id = m.merchant_id\n',
        after: '        where o.merchant_id = m.merchant_id and o.message_id > ${last}\n',
      },
      {
        file: 'src/outbox/take-messages.ts',
        before: '    returning merchant_id, sku,',
        after: '    returning message_id, merchant_id, sku,',
      },
      {
        file: 'src/outbox/take-messages.ts',
        before: '  const counts = ',
        after:
          '  last = Math.max(last, ...rows.map((row) => Number(Object(row).message_id)));\n' +
          '  const counts = ',
      },
    ],
    test: 'test/outbox/take-messages.test.ts',
    name: 'a message that is committed after a higher one was taken is not lost',
  },
  {
    id: 'outbox-share',
    promise: 'Each merchant gets its share of a pass.',
    changes: [
      {
        file: 'src/outbox/take-messages.ts',
        before: 'order by o.message_id limit (select share from share) for update',
        after: 'order by o.message_id for update',
      },
    ],
    test: 'test/outbox/take-messages.test.ts',
    name: 'messages are taken once, each merchant up to its share',
  },
  {
    id: 'newest-of-level',
    promise: 'Of several messages for a level the newest version counts.',
    changes: [
      {
        file: 'src/outbox/newest-of-level.ts',
        before: 'version: Math.max(version, known?.version ?? 0),',
        after: 'version,',
      },
    ],
    test: 'test/outbox/take-messages.test.ts',
    name: 'of a level the newest version counts, and the oldest time',
  },
  {
    id: 'relay-in-transaction',
    promise: 'Messages leave the outbox in the transaction that makes their jobs.',
    changes: [
      {
        file: 'src/jobs/relay.ts',
        before: 'await takeMessages(tx, passLimit, passMost)',
        after: 'await db.transaction().execute((own) => takeMessages(own, passLimit, passMost))',
      },
    ],
    test: 'test/jobs/relay.test.ts',
    name: 'messages stay in the outbox until their jobs are there',
  },
];

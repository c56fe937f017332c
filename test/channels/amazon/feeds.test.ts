import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import type { AccountOptions } from '../../../emulators/amazon/account.ts';
import { FaultPlan, type Fault } from '../../../emulators/fault-plan.ts';
import type { Change } from '../../../src/channels/adapter.ts';
import { messageIdOf } from '../../../src/channels/amazon/message-id.ts';
import { AccountRig, changeOf, skus } from './account-rig.ts';

async function open(options: AccountOptions = {}): Promise<AccountRig> {
  const rig = await AccountRig.open({ seed: { skus: skus(500, 1) }, ...options });
  onTestFinished(() => rig.close());
  return rig;
}

/** So many changes, each to another figure. */
function many(rig: AccountRig, count: number): readonly Change[] {
  return Object.keys(skus(count, 0)).map((sku, i) => rig.change(sku, i + 2));
}

test('500 changes are one feed, which is not applied before it is done', async () => {
  const rig = await open();
  const changes = many(rig, 500);
  const operation = await rig.accepted(...changes);
  expect(operation).toBe('feed:50001');
  expect(rig.routes).toEqual([
    'POST /auth/o2/token',
    'POST /feeds/2021-06-30/documents',
    expect.stringMatching(/^PUT \/uploaded\//),
    'POST /feeds/2021-06-30/feeds',
  ]);
  const pending = { kind: 'pending', retryAfterMs: 15_000 };
  expect(await rig.confirm(operation, ...changes)).toEqual(pending);
  rig.pass(10_000);
  expect(await rig.confirm(operation, ...changes)).toEqual(pending);
  expect(rig.account.stockOf('S499')).toBe(1);
  rig.pass(5_000);
  expect(await rig.confirm(operation, ...changes)).toEqual({
    kind: 'done',
    outcomes: changes.map(() => ({ kind: 'applied' })),
  });
  expect(changes.map(({ sku }) => rig.account.stockOf(sku))).toEqual(
    changes.map(({ available }) => available),
  );
  expect(rig.account.state.invalid).toEqual([]);
  expect(rig.account.state.invalidAnswers).toEqual([]);
  expect(rig.account.state.leaks).toBe(0);
});

test('the report is read message by message, whatever else the feed had in it', async () => {
  const rig = await open();
  const listing = rig.account.state.listings['S3'];
  if (listing !== undefined) listing.issue = '8541';
  const changes = [...many(rig, 25), rig.change('S999', 4), changeOf('x', 1, {})];
  const outcomes = await rig.outcomes(...changes);
  expect(outcomes.at(-1)).toEqual({ kind: 'refused', code: 'not_mapped' });
  rig.pass(15_000);
  // Asked for only some of them, in another order.
  const asked = [changes[25], changes[3], changes[4]].filter((change) => change !== undefined);
  expect(await rig.confirm('feed:50001', ...asked)).toEqual({
    kind: 'done',
    outcomes: [
      { kind: 'refused', code: 'issue_8058' },
      { kind: 'refused', code: 'issue_8541' },
      { kind: 'applied' },
    ],
  });
});

test.each([
  ['CANCELLED', 'feed_cancelled'],
  ['FATAL', 'feed_fatal'],
] as const)('the changes of a feed that ends as %s are made anew', async (end, code) => {
  const rig = await open();
  rig.account.state.nextEnds.push(end);
  const changes = many(rig, 21);
  const operation = await rig.accepted(...changes);
  rig.pass(15_000);
  expect(await rig.confirm(operation, ...changes)).toEqual({
    kind: 'done',
    outcomes: changes.map(() => ({ kind: 'retry', code })),
  });
  expect(rig.account.stockOf('S20')).toBe(1);
});

test.each(['feed:1', 'what:1', ''])('of the operation %j nothing is known', async (operation) => {
  const rig = await open();
  const result = await rig.confirm(operation, rig.change('S0', 1));
  expect(result).toMatchObject({ kind: 'done', outcomes: [{ kind: 'retry' }] });
});

test('a feed that Amazon cannot read is made anew', async () => {
  const rig = await open();
  const changes = many(rig, 21);
  const operation = await rig.accepted(...changes);
  for (const document of Object.values(rig.account.state.documents)) document.content = '{';
  rig.pass(15_000);
  expect(await rig.confirm(operation, ...changes)).toMatchObject({
    kind: 'done',
    outcomes: changes.map(() => ({ kind: 'retry', code: 'feed_rejected' })),
  });
});

test.each(['POST /feeds/2021-06-30/documents', 'PUT /uploaded/'])(
  'a failure at %s has done nothing, even when its answer is lost',
  async (route) => {
    const rig = await open();
    rig.account.server.faults = new FaultPlan([
      { route, share: 1, fault: { kind: 'reset_after' } },
    ]);
    expect(await rig.failure(many(rig, 21))).toMatchObject({
      code: 'connection_reset',
      isNotDone: true,
    });
    expect(rig.account.state.feeds).toEqual({});
  },
);

test('of a feed whose answer is lost nobody says that nothing was done', async () => {
  const rig = await open();
  rig.account.server.faults = new FaultPlan([
    { route: 'POST /feeds/2021-06-30/feeds', share: 1, fault: { kind: 'reset_after' } },
  ]);
  const failure = await rig.failure(many(rig, 21));
  expect(failure).toEqual({ code: 'connection_reset', scope: 'channel' });
  expect(Object.keys(rig.account.state.feeds)).toHaveLength(1);
});

test('a sixth feed within five minutes is too much, and waited for', async () => {
  const rig = await open({ speed: 1 });
  const changes = many(rig, 21);
  for (let feed = 0; feed < 5; feed += 1) await rig.accepted(...changes);
  const failure = await rig.failure(changes);
  expect(failure).toMatchObject({ code: 'quota_exceeded', isThrottled: true, isNotDone: true });
  expect(failure.retryAfterMs).toBe(60_000);
  rig.pass(failure.retryAfterMs ?? 0);
  await rig.accepted(...changes);
});

test('two SKUs with one message number are in two feeds', async () => {
  const rig = await open();
  const twin = rig.change('S0', 9);
  const outcomes = await rig.outcomes(...many(rig, 21), twin);
  expect(outcomes[0]).toMatchObject({ kind: 'accepted' });
  expect(outcomes.at(-1)).toEqual({ kind: 'retry', code: 'same_message_id', retryAfterMs: 0 });
});

test.each([
  ['S0', 'is a number of 31 bits'],
  ['Ünïcode ☃', 'whatever is in it'],
])('the message number of %s %s', (sku) => {
  expect(messageIdOf(sku)).toBe(messageIdOf(sku));
  expect(messageIdOf(sku)).toBeGreaterThan(0);
  expect(messageIdOf(sku)).toBeLessThan(2 ** 31);
});

test('from how many changes on a feed is made is set by the channel', async () => {
  const rig = await open();
  const config = { ...rig.context().config, feedThreshold: 2 };
  const result = await rig.publish(many(rig, 2), { config });
  expect(result).toMatchObject({ ok: true, httpStatus: 202 });
  await rig.publish(many(rig, 1), { config });
  expect(rig.count('PATCH ')).toBe(1);
});

test('a report that is not packed is read too', async () => {
  const rig = await open();
  const changes = many(rig, 21);
  const operation = await rig.accepted(...changes);
  rig.pass(15_000);
  const issues = [{ messageId: messageIdOf('S1'), severity: 'ERROR', code: '8541' }];
  const report = { issues, summary: { messagesProcessed: 21 } };
  const body = { feedDocumentId: 'plain', url: `${rig.account.server.url}/plain` };
  rig.account.server.faults = new FaultPlan([
    { route: 'GET /feeds/2021-06-30/documents/', share: 1, fault: fixed(body) },
    { route: 'GET /plain', share: 1, fault: fixed(JSON.stringify(report)) },
  ]);
  expect(await rig.confirm(operation, ...changes.slice(0, 2))).toEqual({
    kind: 'done',
    outcomes: [{ kind: 'applied' }, { kind: 'refused', code: 'issue_8541' }],
  });
});

test('a report without issues is one of no issues', async () => {
  const rig = await open();
  const changes = many(rig, 21);
  const operation = await rig.accepted(...changes);
  rig.pass(15_000);
  const report = gzipSync(JSON.stringify({ summary: { messagesProcessed: 21 } }));
  rig.account.server.faults = new FaultPlan([
    { route: 'GET /uploaded/', share: 1, fault: fixed(report) },
  ]);
  expect(await rig.confirm(operation, ...changes)).toEqual({
    kind: 'done',
    outcomes: changes.map(() => ({ kind: 'applied' })),
  });
});

test('the changes of a feed that is done without a report are made anew', async () => {
  const rig = await open();
  const changes = many(rig, 21);
  const operation = await rig.accepted(...changes);
  rig.account.server.faults = new FaultPlan([
    { route: 'GET /feeds/', share: 1, fault: fixed({ processingStatus: 'DONE' }) },
  ]);
  expect(await rig.confirm(operation, ...changes)).toEqual({
    kind: 'done',
    outcomes: changes.map(() => ({ kind: 'retry', code: 'feed_unreported' })),
  });
});

test('a feed is not unknown because something in between says so', async () => {
  const rig = await open();
  const changes = many(rig, 21);
  const operation = await rig.accepted(...changes);
  const fault: Fault = { kind: 'status', status: 404, body: '<html>' };
  rig.account.server.faults = new FaultPlan([{ route: 'GET /feeds/', share: 1, fault }]);
  expect(await rig.confirm(operation, ...changes)).toMatchObject({ kind: 'failed' });
});

const read = JSON.stringify({ issues: [], summary: { messagesProcessed: 21 } });

test.each([
  ['is not packed, though it was said to be', Buffer.from(read)],
  ['ends in the middle', gzipSync(read).subarray(0, 30)],
  ['unpacks to more than is read', gzipSync(`${read}${' '.repeat(5 * 1024 * 1024)}`)],
  ['is no report', gzipSync('{"issues":{}}')],
])('a report that %s is asked for again', async (_, body) => {
  const rig = await open();
  const changes = many(rig, 21);
  const operation = await rig.accepted(...changes);
  rig.pass(15_000);
  rig.account.server.faults = new FaultPlan([
    { route: 'GET /uploaded/', share: 1, fault: fixed(body) },
  ]);
  expect(await rig.confirm(operation, ...changes)).toEqual({
    kind: 'failed',
    failure: { code: 'invalid_response', scope: 'channel' },
  });
  rig.account.server.faults = new FaultPlan();
  expect(await rig.confirm(operation, ...changes)).toMatchObject({ kind: 'done' });
});

function fixed(body: unknown): Fault {
  return { kind: 'status', status: 200, body };
}

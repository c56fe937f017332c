import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChannelRow } from '../../src/channels/index.ts';
import { giveBackRevisions, spendRevisions } from '../../src/channels/revision-budgets.ts';
import type { Revision } from '../../src/channels/revision-budgets.ts';
import type { DatabaseHandle } from '../../src/db/index.ts';
import { DeliveryRig } from '../jobs/delivery-rig.ts';
import { openDatabase } from '../support/patient-pool.ts';

let rig: DeliveryRig;
/** Another process. */
let other: DatabaseHandle;
let channel: ChannelRow;

beforeAll(async () => {
  rig = await DeliveryRig.open();
  other = openDatabase({ connectionString: rig.database.connectionString });
  await rig.connectVendor({ url: '' }, 'shop', {
    kind: 'ebay',
    config: {},
    credentials: { clientId: 'c', clientSecret: 's', refreshToken: 'r' },
  });
  channel = await rig.db.selectFrom('channel').selectAll().executeTakeFirstOrThrow();
});

afterAll(async () => {
  await other.close();
  await rig.close();
});

const limit = { perDay: 20, timeZone: 'UTC' };
const hourMs = 3_600_000;
/** How far it is to that hour of the next day, by the offset of a clock. */
function offsetTo(hour: number): number {
  return 24 * hourMs - (Date.now() % (24 * hourMs)) + hour * hourMs;
}

function revision(subject: string, more: Partial<Revision> = {}): Revision {
  return { subject, count: 1, isToZero: false, ...more };
}

async function granted(revisions: readonly Revision[], offsetMs = offsetTo(12)): Promise<number> {
  const spent = await spendRevisions(rig.db, channel, limit, revisions, offsetMs);
  return spent.waitUntil.filter((until) => until === null).length;
}

async function rows(subject: string): Promise<readonly (readonly [string, number])[]> {
  const { rows: found } = await rig.inspector.query<{ day: string; spent: number }>(
    'select day::text, spent from revision_budget where subject = $1 order by day',
    [subject],
  );
  return found.map(({ day, spent }) => [day, spent]);
}

test('two processes at once spend no more than there is', async () => {
  const offsetMs = offsetTo(12);
  const spent = await Promise.all(
    Array.from({ length: 40 }, (_, i) => {
      const db = i % 2 === 0 ? rig.db : other.db;
      const both = [revision('both', { isToZero: true }), revision(i % 3 === 0 ? 'x' : 'a')];
      return spendRevisions(db, channel, limit, both, offsetMs);
    }),
  );
  const going = spent.filter(({ waitUntil: [first] }) => first === null);
  expect(going).toHaveLength(20);
  expect(await rows('both')).toMatchObject([[expect.any(String), 20]]);
});

test('what goes to 0 comes before what else is in the call', async () => {
  expect(await granted(Array.from({ length: 9 }, () => revision('sold')))).toBe(9);
  const call = [revision('sold'), revision('sold', { isToZero: true })];
  const { waitUntil } = await spendRevisions(rig.db, channel, limit, call, offsetTo(12));
  expect(waitUntil).toEqual([expect.any(Date), null]);
});

test('changes that go out together are counted each, and go all or none', async () => {
  expect(await granted([revision('every', { count: 8 })])).toBe(1);
  expect(await granted([revision('every', { count: 3 })])).toBe(0);
  expect(await granted([revision('every', { count: 2 })])).toBe(1);
  expect((await rows('every'))[0]?.[1]).toBe(10);
});

test('near midnight both days pay, and the older one is forgotten later', async () => {
  const offsetMs = offsetTo(24 - 1 / 60);
  await granted([revision('late', { count: 3 })], offsetMs);
  const before = await rows('late');
  expect(before.map(([, spent]) => spent)).toEqual([3, 3]);
  await granted([revision('late')], offsetMs + hourMs);
  expect((await rows('late')).map(([, spent]) => spent)).toEqual([4]);
  expect((await rows('late'))[0]?.[0]).toBe(before[1]?.[0]);
});

test('what is given back can be spent again, and never more', async () => {
  const revisions = [revision('back', { count: 2 }), revision('back')];
  const { days } = await spendRevisions(rig.db, channel, limit, revisions, offsetTo(12));
  expect((await rows('back'))[0]?.[1]).toBe(3);
  await giveBackRevisions(rig.db, channel, revisions, days);
  await giveBackRevisions(rig.db, channel, revisions, days);
  expect((await rows('back'))[0]?.[1]).toBe(0);
});

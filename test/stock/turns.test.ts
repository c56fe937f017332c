import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWriterPool } from '../../src/stock/index.ts';
import { Turns } from '../../src/stock/turns.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openWriterPool(database.connectionString, 200);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const nothing = (): Promise<void> => Promise.resolve();

test('turns are needed once many batches were in vain, and not for one that was', () => {
  const turns = new Turns(pool);
  turns.saw(true);
  expect(turns.areNeeded).toBe(false);
  for (let batch = 0; batch < 100; batch += 1) turns.saw(batch % 10 === 0);
  expect(turns.areNeeded).toBe(false);
  for (let batch = 0; batch < 5; batch += 1) turns.saw(true);
  expect(turns.areNeeded).toBe(true);
});

test('one has its turn at a time, and the next when it ends', async () => {
  const [ours, theirs] = [new Turns(pool), new Turns(pool)];
  const first = await ours.take(nothing);
  let hasNext = false;
  const next = theirs.take(nothing).then((taken) => {
    hasNext = true;
    return taken;
  });
  const waiting = async (): Promise<boolean> => {
    const { rowCount } = await pool.query(
      "select from pg_locks where locktype = 'advisory' and not granted",
    );
    return rowCount === 1;
  };
  await waitFor(waiting, { what: 'the other to wait for its turn' });
  expect(hasNext).toBe(false);
  first?.turn.end();
  const taken = await next;
  expect(taken).toBeDefined();
  taken?.turn.end();
});

test('the next is let in behind what was sent before, and not sooner', async () => {
  const [ours, theirs] = [new Turns(pool), new Turns(pool)];
  const first = await ours.take(nothing);
  const happened: string[] = [];
  const work = first?.turn.client
    .query('select pg_sleep(0.1)')
    .then(() => happened.push('the work of the first'));
  const next = theirs.take(nothing).then((taken) => {
    happened.push('the turn of the next');
    return taken;
  });
  // At once, while the work is under way; a second time says nothing new.
  first?.turn.end();
  first?.turn.end();
  const [taken] = await Promise.all([next, work]);
  taken?.turn.end();
  expect(taken).toBeDefined();
  expect(happened).toEqual(['the work of the first', 'the turn of the next']);
});

test('turns of one process share a session, which is given back behind the last', async () => {
  const ours = new Turns(pool);
  const first = await ours.take(nothing);
  first?.turn.end();
  // Before the database has answered the unlock.
  const second = await ours.take(nothing);
  const free = pool.idleCount;
  second?.turn.end();
  expect(second?.turn.client).toBe(first?.turn.client);
  await waitFor(() => Promise.resolve(pool.idleCount === free + 1), { what: 'the session back' });
});

test('a turn that a hanging process keeps is done without', async () => {
  const [hanging, ours] = [new Turns(pool), new Turns(pool)];
  const kept = await hanging.take(nothing);
  for (let batch = 0; batch < 5; batch += 1) ours.saw(true);
  expect(await ours.take(nothing)).toBeUndefined();
  expect(ours.areNeeded).toBe(false);
  kept?.turn.end();
});

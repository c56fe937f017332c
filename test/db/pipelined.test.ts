import { sql } from 'kysely';
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { pipelined, plannedOnce, statementsOver, together, type Db } from '../../src/db/index.ts';
import { sqlStateOf } from '../../src/errors.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createPool } from '../support/patient-pool.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ connectionString: database.connectionString, poolSize: 1, pipeline: true });
  await pool.query('create table note (id integer primary key)');
});

beforeEach(async () => {
  await pool.query('delete from note');
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const notes = async (): Promise<number[]> => {
  const { rows } = await pool.query<{ id: number }>('select id from note order by id');
  return rows.map(({ id }) => id);
};

test('what is started together is sent together, and carried out in that order', async () => {
  const client = await pool.connect();
  let inFlight = 0;
  let most = 0;
  const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
  client.query = ((...args: unknown[]) => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    return query(...args).finally(() => (inFlight -= 1));
  }) as typeof client.query;
  client.release();
  const counts = await pipelined(pool, async (tx) => {
    const count = async (): Promise<number | undefined> => {
      const found = sql<{ count: number }>`select count(*)::integer as count from note`;
      return (await found.execute(tx)).rows[0]?.count;
    };
    const add = (id: number) => sql`insert into note values (${id})`.execute(tx);
    const [none, , one] = await together([count(), add(1), count()]);
    return [none, one];
  });
  Reflect.deleteProperty(client, 'query');
  expect(counts).toEqual([0, 1]);
  expect(most).toBe(3);
  expect(await notes()).toEqual([1]);
});

test('how many rows were changed is known', async () => {
  const result = await pipelined(pool, (tx) =>
    sql`insert into note select generate_series(1, 3)`.execute(tx),
  );
  expect(result.numAffectedRows).toBe(3n);
});

test('a statement that says so is planned once, and with other values the next time', async () => {
  const add = (id: number): Promise<unknown> =>
    pipelined(pool, (tx) =>
      sql`${sql.raw(plannedOnce)} insert into note values (${id})`.execute(tx),
    );
  await add(1);
  await add(2);
  await pipelined(pool, (tx) => sql`insert into note values (${3})`.execute(tx));
  expect(await notes()).toEqual([1, 2, 3]);
  const { rows } = await pool.query<{ statement: string }>(
    "select statement from pg_prepared_statements where statement like '%into note values%'",
  );
  expect(rows).toEqual([{ statement: `${plannedOnce} insert into note values ($1)` }]);
});

test('nothing is kept of a transaction in which one of them fails', async () => {
  const failed = pipelined(pool, async (tx) => {
    await together([
      sql`insert into note values (1)`.execute(tx),
      sql`insert into note values (1)`.execute(tx),
      sql`insert into note values (2)`.execute(tx),
    ]);
  });
  // The first that failed, and not what became of those behind it.
  expect(sqlStateOf(await failed.catch((error: unknown) => error))).toBe('23505');
  expect(await notes()).toEqual([]);
});

test('what one of them starts late is not left to run after the end', async () => {
  const { promise: isLate, resolve: start } = Promise.withResolvers<void>();
  const failed = pipelined(pool, async (tx) => {
    const late = isLate.then(() => sql`insert into note values (7)`.execute(tx));
    await together([sql`select 1 / 0`.execute(tx).finally(start), late]);
  });
  expect(sqlStateOf(await failed.catch((error: unknown) => error))).toBe('22012');
  expect(await notes()).toEqual([]);
});

test('a failure that was swallowed does not pass for a commit', async () => {
  const swallowed = pipelined(pool, async (tx) => {
    await sql`insert into note values (1)`.execute(tx);
    await sql`select 1 / 0`.execute(tx).catch(() => undefined);
  });
  await expect(swallowed).rejects.toThrow('failed before its commit');
  expect(await notes()).toEqual([]);
});

test('a connection that broke is not used again', async () => {
  const broken = pipelined(pool, async (tx) => {
    await sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx);
  });
  expect(sqlStateOf(await broken.catch((error: unknown) => error))).toBe('57P01');
  expect(await pipelined(pool, async () => 'well')).toBe('well');
});

test('outside of a transaction, too, plans are kept, and connections given back', async () => {
  const db = statementsOver(pool);
  const count = (): Promise<unknown> =>
    sql`${sql.raw(plannedOnce)} select count(*)::integer as count from note`.execute(db);
  expect([await count(), await count()]).toMatchObject([
    { rows: [{ count: 0 }] },
    { rows: [{ count: 0 }] },
  ]);
  const { rows } = await pool.query<{ plans: number }>(
    `select generic_plans::integer as plans from pg_prepared_statements
     where statement like '%count(*)::integer as count from note'
       and statement like '/* planned%'`,
  );
  expect(rows).toEqual([{ plans: 2 }]);
});

test('statements outside of a transaction cannot begin one', async () => {
  const db = statementsOver(pool);
  await expect(db.transaction().execute(() => Promise.resolve())).rejects.toThrow('pipelined');
});

test.each([
  { where: 'inside', run: <T>(work: (db: Db) => Promise<T>) => pipelined(pool, work) },
  { where: 'outside', run: <T>(work: (db: Db) => Promise<T>) => work(statementsOver(pool)) },
])(
  '$where of a transaction: a session whose plan a migration outdated is not used again',
  async ({ where, run }) => {
    const all = (): Promise<unknown> =>
      run((db) => sql`${sql.raw(`${plannedOnce} select * from changing_${where}`)}`.execute(db));
    await pool.query(`create table changing_${where} (a integer)`);
    await all();
    await pool.query(`alter table changing_${where} add b integer`);
    expect(sqlStateOf(await all().catch((error: unknown) => error))).toBe('0A000');
    await expect(all()).resolves.toMatchObject({ rows: [] });
  },
);

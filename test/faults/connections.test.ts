import { Client } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { sqlStateOf } from '../../src/errors.ts';
import { nowMs, randomFrom } from '../support/history/index.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait-for.ts';
import { faultsIn, expectNoHarm, seed } from './expect-no-harm.ts';
import { openScene, type Scene } from './scene.ts';

let scene: Scene;
let proxy: TcpProxy;
const random = randomFrom(seed);
let cuts = 0;
let cutsLeft = 0;

/** Now and then a connection breaks on which a commit is on its way. */
function cutCommits(sent: Buffer): 'before' | 'within' | 'after' | undefined {
  if (cutsLeft === 0 || !sent.includes('commit') || !random.chance(0.1)) return undefined;
  cutsLeft -= 1;
  cuts += 1;
  return random.pick(['before', 'within', 'after', 'after']);
}

beforeAll(async () => {
  scene = await openScene({
    through: async (databaseUrl) => {
      proxy = await startTcpProxy(databaseUrl, cutCommits);
      return proxy.connectionString;
    },
  });
});

afterAll(async () => {
  await scene?.close();
  await proxy?.close();
});

/** A session of somebody else on the same database. */
async function openSession(): Promise<Client> {
  const session = new Client({ connectionString: scene.databaseUrl, application_name: 'other' });
  await session.connect();
  onTestFinished(() => session.end());
  return session;
}

test('pg_terminate_backend in a stream', { timeout: 600_000 }, async () => {
  await expectNoHarm(scene, {
    name: 'pg_terminate_backend in a stream',
    async strike(load, underWay) {
      await underWay();
      const most = faultsIn(40);
      let faults = 0;
      while (faults < most) {
        // Rather one that is at work.
        const { rowCount } = await scene.inspector.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and application_name like 'onhand%'
           order by state = 'idle', hashint4(pid + $1) limit 1`,
          [random.integer(0, 1_000_000)],
        );
        faults += rowCount ?? 0;
        const answered = load.answered + 4;
        await waitFor(() => load.answered >= answered, { what: 'answers' });
      }
      return { faults, sinceMs: nowMs() };
    },
  });
});

test('connections cut in the middle of COMMIT', { timeout: 600_000 }, async () => {
  await expectNoHarm(scene, {
    name: 'connection cut in the middle of COMMIT',
    async strike(_, underWay) {
      await underWay();
      cuts = 0;
      cutsLeft = faultsIn(20);
      await waitFor(() => cutsLeft === 0, { what: 'commits to cut', timeoutMs: 120_000 });
      return { faults: cuts, sinceMs: nowMs() };
    },
  });
});

/** One after the other, in the middle of commits: a deadlock may end it and not them. */
async function lockTables(session: Client): Promise<void> {
  await session.query('begin');
  try {
    await session.query('lock table stock_level, reservation, idempotency_key, outbox_message');
  } catch (error) {
    if (sqlStateOf(error) !== '40P01') throw error;
    await session.query('rollback');
    await lockTables(session);
  }
}

test('all connections of the pools wait for locks', { timeout: 600_000 }, async () => {
  await expectNoHarm(scene, {
    name: 'pools exhausted',
    async strike(_, underWay) {
      const other = await openSession();
      await underWay();
      await lockTables(other);
      const asked = [...Array(80).keys()].map(async (index) => {
        const path = index % 2 === 0 ? '/api/stock' : '/api/reservations';
        const response = await scene.service(index % 4 < 2 ? 0 : 1).call('GET', path);
        await response.arrayBuffer();
        return response.status;
      });
      // Some give up waiting for a connection; whoever has one waits on.
      await Promise.race(asked);
      const { rows } = await scene.inspector.query<{ waiting: number }>(
        `select count(*)::integer as waiting from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'`,
      );
      expect(rows[0]?.waiting).toBeGreaterThanOrEqual(20);
      await other.query('rollback');
      const sinceMs = nowMs();
      const statuses = new Set(await Promise.all(asked));
      expect([...statuses].toSorted((a, b) => a - b)).toEqual([200, 503]);
      return { faults: 1, sinceMs };
    },
  });
});

test('an idle transaction holds back xmin for the whole run', { timeout: 600_000 }, async () => {
  const other = await openSession();
  await other.query('begin isolation level repeatable read');
  const xmin = async (): Promise<unknown> => {
    const { rows } = await scene.inspector.query<{ xmin: string }>(
      `select backend_xmin::text as xmin from pg_stat_activity where application_name = 'other'`,
    );
    return rows;
  };
  await other.query('select count(*) from outbox_message');
  const held = await xmin();
  await expectNoHarm(scene, {
    name: 'idle transaction that holds back xmin',
    strike: async (_, underWay) => {
      await underWay();
      return { faults: 1, sinceMs: nowMs() };
    },
  });
  expect(await xmin()).toEqual(held);
  await other.query('rollback');
});

import { afterAll, beforeAll, test } from 'vitest';
import { runOnServer, urlOfDatabase } from '../support/database.ts';
import { nowMs } from '../support/history/index.ts';
import { waitFor } from '../support/wait-for.ts';
import { openOwnPostgres, type OwnPostgres } from './own-postgres.ts';
import { expectNoHarm } from './expect-no-harm.ts';
import { openScene, type Scene } from './scene.ts';

let postgres: OwnPostgres;
let scene: Scene;

beforeAll(async () => {
  postgres = await openOwnPostgres();
  // A superuser would always find a connection.
  await runOnServer(postgres.connectionString, "create role shop login password 'shop'");
  await runOnServer(postgres.connectionString, 'create database shop owner shop');
  const own = new URL(urlOfDatabase(postgres.connectionString, 'shop'));
  scene = await openScene({
    databaseUrl: own.href,
    through: () => {
      own.username = 'shop';
      own.password = 'shop';
      return Promise.resolve(own.href);
    },
  });
});

afterAll(async () => {
  await scene?.close();
  await postgres?.close();
});

test('Postgres stopped with immediate and restarted', { timeout: 600_000 }, async () => {
  await expectNoHarm(scene, {
    name: 'Postgres stopped with immediate and restarted',
    async strike(_, underWay) {
      await underWay();
      const sinceMs = nowMs();
      await postgres.stopAtOnce();
      await postgres.start();
      return { faults: 1, sinceMs };
    },
  });
});

test('Postgres has no connection left', { timeout: 600_000 }, async () => {
  await expectNoHarm(scene, {
    name: 'no connection left at Postgres',
    async strike(_, underWay) {
      await underWay();
      await scene.inspector.query('alter role shop connection limit 0');
      // Whoever loses its connection now gets no other.
      await scene.inspector.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'shop'",
      );
      await refuses();
      const sinceMs = nowMs();
      await scene.inspector.query('alter role shop connection limit -1');
      return { faults: 1, sinceMs };
    },
    heal: () => scene.inspector.query('alter role shop connection limit -1'),
  });
});

test('the disk of the database is full', { timeout: 600_000 }, async ({ skip }) => {
  const { disk } = postgres;
  if (disk === undefined) {
    process.stdout.write('faults: disk full: SKIPPED: this machine does not allow mounting\n');
    skip('mounting a file system of its own is not allowed here');
    return;
  }
  await expectNoHarm(scene, {
    name: 'disk of the database full',
    async strike(_, underWay) {
      await underWay();
      disk.fill();
      await refuses();
      // The log cannot grow either: Postgres gives up, and cannot start.
      await waitFor(async () => !(await grows()), { what: 'the log is full' });
      const sinceMs = nowMs();
      disk.free();
      await postgres.start();
      return { faults: 1, sinceMs };
    },
    heal: () => disk.free(),
  });
});

/** Waits until a change is refused because the database cannot make it. */
async function refuses(): Promise<void> {
  await waitFor(
    async () => {
      const path = '/api/inventory/stores/main/inventory/probe/adjust';
      const response = await scene.service(0).call('POST', path, { delta: 1 });
      const { code } = (await response.json()) as { code?: string };
      return response.status === 503 && code === 'DATABASE.UNAVAILABLE';
    },
    { what: 'a change is refused' },
  );
}

/** Begins a new file of the log; false: that could not be done. */
async function grows(): Promise<boolean> {
  try {
    await scene.inspector.query(
      "select pg_logical_emit_message(true, 'fill', repeat('x', 100000))",
    );
    await scene.inspector.query('select pg_switch_wal()');
    return true;
  } catch {
    return false;
  }
}

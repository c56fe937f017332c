import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { migrateToLatest } from '../../src/db/index.ts';
import { createBlankDatabase } from '../support/database.ts';
import { nowMs } from '../support/history/index.ts';
import { adminKey, hasEnded, startWorker, type Running, type Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { expectNoHarm } from './expect-no-harm.ts';
import { openScene, type Scene, type SceneOptions } from './scene.ts';

let shared: Scene | undefined;

afterAll(() => shared?.close());

/** The scene of all tests that need none of their own. */
async function openSharedScene(): Promise<Scene> {
  shared ??= await openScene();
  return shared;
}

async function openOwnScene(options: SceneOptions): Promise<Scene> {
  const scene = await openScene(options);
  onTestFinished(() => scene.close());
  return scene;
}

async function startOneWorker({ env }: Scene): Promise<Running> {
  const worker = await startWorker(env);
  onTestFinished(() => worker.kill());
  return worker;
}

test('SIGKILL of the worker, another takes over', { timeout: 600_000 }, async () => {
  const scene = await openOwnScene({ flags: ['--no-workers'] });
  const first = await startOneWorker(scene);
  await expectNoHarm(scene, {
    name: 'SIGKILL of the worker, another takes over',
    async strike(_, underWay) {
      await underWay();
      await waitFor(() => scene.channels.every(({ server }) => server.messages.length > 0), {
        what: 'the first worker leads both channels',
      });
      await startOneWorker(scene);
      await first.kill();
      return { faults: 1, sinceMs: nowMs() };
    },
  });
});

test('a migration is run by two processes at once', { timeout: 600_000 }, async () => {
  const database = await createBlankDatabase();
  onTestFinished(() => database.drop());
  const databaseUrl = database.connectionString;
  // Both services find it empty, start at once, and become ready.
  const scene = await openOwnScene({ databaseUrl });
  expect(await migrateToLatest(databaseUrl)).toEqual([]);
  await expectNoHarm(scene, {
    name: 'migration run by two processes at once',
    strike: () => Promise.resolve({ faults: 1, sinceMs: nowMs() }),
  });
});

test('SIGTERM under load: what was begun is answered', { timeout: 600_000 }, async () => {
  const scene = await openSharedScene();
  let askedMs = 0;
  const { operations } = await expectNoHarm(scene, {
    name: 'SIGTERM under load',
    async strike(_, underWay) {
      await underWay();
      askedMs = nowMs();
      expect(await scene.service(0).stop()).toBe(0);
      const exitSeconds = Number(((nowMs() - askedMs) / 1_000).toFixed(2));
      await scene.replace(0);
      return { faults: 1, sinceMs: nowMs(), figures: { exitSeconds } };
    },
  });
  // What begins later can cross with the end of a connection on which nothing was said for long.
  const begun = operations.filter(({ startMs, endMs }) => startMs < askedMs && askedMs < endMs);
  expect(begun.filter(({ unknownAttempts }) => unknownAttempts > 0)).toEqual([]);
});

const skewedClock = new URL('./skewed-clock.ts', import.meta.url);

/** When a service started by its own clock, in ms since 1970. */
async function startOf(service: Service): Promise<number> {
  const metrics = await (await service.call('GET', '/metrics')).text();
  return Number(/^process_start_time_seconds (\d+)/m.exec(metrics)?.[1]) * 1_000;
}

test.each([
  ['10 minutes ahead', 600_000],
  ['10 minutes behind', -600_000],
])('the clock of one process is %s', { timeout: 600_000 }, async (how, skewMs) => {
  const scene = await openSharedScene();
  await expectNoHarm(scene, {
    name: `clock of one process ${how}`,
    async strike() {
      const skewed = { NODE_OPTIONS: `--import ${skewedClock.href}`, SKEW_MS: String(skewMs) };
      await scene.service(1).stop();
      const service = await scene.replace(1, skewed);
      const sinceMs = nowMs();
      expect(Math.abs((await startOf(service)) - sinceMs - skewMs)).toBeLessThan(120_000);
      return { faults: 1, sinceMs };
    },
  });
  // Whoever recorded it did so by the database's clock, which is this machine's.
  const { rows } = await scene.inspector.query(
    `select sku, version, recorded_at from ledger_entry
     where recorded_at not between $1::timestamptz - interval '1 minute'
       and clock_timestamp() + interval '1 minute'`,
    [new Date(performance.timeOrigin)],
  );
  expect(rows).toEqual([]);
});

/** Changes a level while another session holds the outbox: it waits until the test is over. */
async function holdRequest(scene: Scene): Promise<void> {
  const service = scene.service(0);
  await service.call('PUT', '/api/stores/main', {});
  await service.call('PUT', '/api/inventory/stores/main/inventory/held', { onHand: 1 });
  const other = await scene.inspector.connect();
  await other.query('begin');
  await other.query('lock table outbox_message in access exclusive mode');
  const held = service
    .call('PUT', '/api/inventory/stores/main/inventory/held', { onHand: 2 })
    .catch((error: unknown) => error);
  const free = async (): Promise<void> => {
    await other.query('rollback');
    other.release();
    await held;
  };
  onTestFinished(free);
  await waitFor(
    async () => {
      const { rowCount } = await scene.inspector.query(
        `select from pg_stat_activity
         where wait_event_type = 'Lock' and datname = current_database()`,
      );
      return (rowCount ?? 0) > 0;
    },
    { what: 'a request that waits' },
  );
}

test('a second SIGTERM ends the process at once', { timeout: 600_000 }, async () => {
  const scene = await openSharedScene();
  await holdRequest(scene);
  const { process: child } = scene.service(0);
  const exit = once(child, 'exit');
  // Those that come at once are one signal, as npm and the terminal send it.
  const end = (): boolean => {
    if (!hasEnded(child)) child.kill('SIGTERM');
    return hasEnded(child);
  };
  await waitFor(end, { what: 'its end' });
  expect((await exit)[0]).toBe(143);
});

test('what is cut off at the end of its time is no success', { timeout: 600_000 }, async () => {
  const scene = await openSharedScene();
  const service = await scene.replace(0, { SHUTDOWN_TIMEOUT_MS: '500' });
  const slow = connect(Number(new URL(service.url).port), '127.0.0.1');
  onTestFinished(() => void slow.destroy());
  slow.on('error', () => undefined);
  slow.write(
    'POST /api/inventory/stores/main/inventory/held/adjust HTTP/1.1\r\nhost: x\r\n' +
      `authorization: Bearer ${adminKey}\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n`,
  );
  // It waits for the body, which does not come.
  expect(String(await once(slow, 'data'))).toMatch(/^HTTP\/1\.1 100 /);
  expect(await service.stop()).toBe(1);
});

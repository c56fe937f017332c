import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, expect, inject, onTestFinished, test } from 'vitest';
import { migrateToLatest } from '../../src/db/index.ts';
import { runOnServer, urlOfDatabase } from '../support/database.ts';
import { nowMs } from '../support/history/index.ts';
import { hasEnded, startWorker, type Running, type Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { expectNoHarm } from './expect-no-harm.ts';
import { openScene, type Scene } from './scene.ts';

let scene: Scene | undefined;

afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

async function startOneWorker({ env }: Scene): Promise<Running> {
  const worker = await startWorker(env);
  onTestFinished(() => worker.kill());
  return worker;
}

test('SIGKILL of the worker, another takes over', { timeout: 600_000 }, async () => {
  const opened = await openScene({ flags: ['--no-workers'] });
  scene = opened;
  // The first one leads every channel by the time the load is a mixed one.
  const first = await startOneWorker(opened);
  await expectNoHarm(opened, {
    name: 'SIGKILL of the worker, another takes over',
    async strike(_, underWay) {
      await underWay();
      await waitFor(() => opened.channels.every(({ server }) => server.messages.length > 0), {
        what: 'the first worker leads both channels',
        timeoutMs: 60_000,
      });
      await startOneWorker(opened);
      await first.kill();
      return { faults: 1, sinceMs: nowMs() };
    },
  });
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
  const opened = await openScene();
  scene = opened;
  await expectNoHarm(opened, {
    name: `clock of one process ${how}`,
    async strike() {
      const skewed = { NODE_OPTIONS: `--import ${skewedClock.href}`, SKEW_MS: String(skewMs) };
      await opened.service(1).stop();
      const service = await opened.replace(1, skewed);
      const sinceMs = nowMs();
      expect(Math.abs((await startOf(service)) - sinceMs - skewMs)).toBeLessThan(120_000);
      return { faults: 1, sinceMs };
    },
  });
});

test('a migration is run by two processes at once', { timeout: 600_000 }, async () => {
  const { adminUrl, prefix } = inject('testDatabases');
  const name = `${prefix}_${randomBytes(4).toString('hex')}`;
  await runOnServer(adminUrl, `create database ${name}`);
  onTestFinished(async () => {
    await runOnServer(adminUrl, `drop database if exists ${name} with (force)`);
  });
  const databaseUrl = urlOfDatabase(adminUrl, name);
  // Both services find it empty, start at once, and become ready.
  const opened = await openScene({ databaseUrl });
  scene = opened;
  expect(await migrateToLatest(databaseUrl)).toEqual([]);
  await expectNoHarm(opened, {
    name: 'migration run by two processes at once',
    strike: () => Promise.resolve({ faults: 1, sinceMs: nowMs() }),
  });
});

test('SIGTERM under load: what was begun is answered', { timeout: 600_000 }, async () => {
  const opened = await openScene();
  scene = opened;
  const history = await expectNoHarm(opened, {
    name: 'SIGTERM under load',
    async strike(_, underWay) {
      await underWay();
      // Resolves with the exit code as soon as the process has ended by itself.
      expect(await opened.service(0).stop()).toBe(0);
      await opened.replace(0);
      return { faults: 1, sinceMs: nowMs() };
    },
  });
  const cut = history.operations.filter(({ unknownAttempts }) => unknownAttempts > 0);
  expect(cut.map(({ outcome }) => outcome)).toEqual([]);
});

test('a second SIGTERM ends the process at once', { timeout: 600_000 }, async () => {
  const opened = await openScene();
  scene = opened;
  const service = opened.service(0);
  await service.call('PUT', '/api/stores/main', {});
  await service.call('PUT', '/api/inventory/stores/main/inventory/held', { onHand: 1 });
  const client = await opened.inspector.connect();
  try {
    await client.query('begin');
    await client.query('lock table outbox_message in access exclusive mode');
    const { process: child } = service;
    const held = service
      .call('PUT', '/api/inventory/stores/main/inventory/held', { onHand: 2 })
      .catch((error: unknown) => error);
    await waitFor(
      async () => {
        const { rowCount } = await opened.inspector.query(
          `select from pg_stat_activity
           where wait_event_type = 'Lock' and datname = current_database()`,
        );
        return (rowCount ?? 0) > 0;
      },
      { what: 'a request that waits' },
    );
    const exit = once(child, 'exit');
    // Those that come at once are one signal, as npm and the terminal send it.
    const end = (): boolean => {
      if (!hasEnded(child)) child.kill('SIGTERM');
      return hasEnded(child);
    };
    await waitFor(end, { what: 'its end' });
    expect((await exit)[0]).toBe(143);
    await held;
  } finally {
    await client.query('rollback');
    client.release();
  }
});

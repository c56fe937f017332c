import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FailpointName } from '../../src/failpoint.ts';
import { nowMs, randomFrom } from '../support/history/index.ts';
import { hasEnded, type Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { expectNoHarm, seed } from './expect-no-harm.ts';
import { openScene, type Scene } from './scene.ts';

let scene: Scene;
const random = randomFrom(seed);

beforeAll(async () => {
  scene = await openScene();
});

afterAll(() => scene?.close());

/** Waits until a process has killed itself. @returns when */
async function died(service: Service): Promise<number> {
  const { process: child } = service;
  await waitFor(() => hasEnded(child), { what: 'the failpoint is passed' });
  const atMs = nowMs();
  expect([child.signalCode, service.output()]).toEqual(['SIGKILL', expect.any(String)]);
  return atMs;
}

/** Starts services anew, with a failpoint. */
async function arm(
  places: readonly number[],
  failpoint: FailpointName,
  most: number,
): Promise<readonly Service[]> {
  const pass = random.integer(1, most);
  return await Promise.all(
    places.map(async (place) => {
      await scene.service(place).stop();
      return await scene.replace(place, { ONHAND_FAILPOINT: `${failpoint}:${pass}` });
    }),
  );
}

const points: readonly [FailpointName, string, most: number][] = [
  ['before_commit', 'before the commit', 30],
  ['after_commit', 'after the commit, before the answer', 30],
  ['relay_claimed', 'after the relay claimed messages, in its transaction', 5],
  ['relay_committed', 'after the transaction of the relay', 5],
  ['delivery_taken', 'after the 2xx of a channel, before it is recorded', 5],
  ['expiry_found', 'in the sweep of reservations, before it writes', 1],
  ['expiry_written', 'in the sweep of reservations, after a page', 1],
];

test.each(points)('SIGKILL at %s: %s', { timeout: 600_000 }, async (failpoint, where, most) => {
  // Only the process that leads a channel calls it.
  const places = failpoint === 'delivery_taken' ? [0, 1] : [random.integer(0, 1)];
  const armed = await arm(places, failpoint, most);
  await expectNoHarm(scene, {
    name: `SIGKILL ${where}`,
    async strike() {
      const sinceMs = await Promise.race(armed.map(died));
      const dead = places.filter((place) => hasEnded(scene.service(place).process));
      await Promise.all(dead.map((place) => scene.replace(place)));
      return { faults: dead.length, sinceMs };
    },
  });
});

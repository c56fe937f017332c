import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FailpointName } from '../../src/failpoint.ts';
import { nowMs, randomFrom } from '../support/history/index.ts';
import { hasEnded, type Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { runFault, seed } from './run-fault.ts';
import { openScene, type Scene } from './scene.ts';

let scene: Scene;
const random = randomFrom(seed);

beforeAll(async () => {
  scene = await openScene();
});

afterAll(() => scene?.close());

/** Waits until a process has killed itself. @returns when */
async function died({ process: child, output }: Service): Promise<number> {
  await waitFor(() => hasEnded(child), { what: 'the failpoint is passed', timeoutMs: 60_000 });
  const atMs = nowMs();
  expect(child.signalCode, output()).toBe('SIGKILL');
  return atMs;
}

/** Starts both services anew with a failpoint: whichever does the work dies there. */
async function arm(failpoint: FailpointName, most: number): Promise<readonly Service[]> {
  const places = [0, 1];
  const pass = random.integer(1, most);
  return await Promise.all(
    places.map((place) => scene.replace(place, { ONHAND_FAILPOINT: `${failpoint}:${pass}` })),
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
  const armed = await arm(failpoint, most);
  await runFault(scene, {
    name: `SIGKILL ${where}`,
    async strike() {
      const atMs = await Promise.race(armed.map(died));
      const place = armed.findIndex((service) => hasEnded(service.process));
      await scene.replace(place);
      return { faults: 1, sinceMs: atMs };
    },
    // The other one may have died as well, or still be armed.
    heal: () => Promise.all([0, 1].map((place) => scene.replace(place))),
  });
});

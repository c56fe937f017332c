import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Jobs } from '../../src/jobs/index.ts';
import { waitFor } from '../support/wait-for.ts';
import { ChannelServer, type Answer } from './channel-server.ts';
import { DeliveryRig } from './delivery-rig.ts';

let rig: DeliveryRig;
let jobs: Jobs;
let silent: ChannelServer;
let others: ChannelServer[];

beforeEach(async () => {
  rig = await DeliveryRig.open();
  jobs = await rig.start();
  silent = await ChannelServer.start();
  others = await Promise.all([ChannelServer.start(), ChannelServer.start()]);
});

afterEach(async () => {
  await Promise.all([silent, ...others].map((server) => server.close()));
  await rig.close();
});

test('while calls of one channel hang, the others are told everything', async () => {
  let calls = 0;
  const answer = Promise.withResolvers<Answer>();
  silent.answer = () => {
    calls += 1;
    return answer.promise;
  };
  await rig.connect(silent, 'silent', { timeoutMs: 60_000 });
  for (const [index, other] of others.entries()) await rig.connect(other, `other-${index}`);
  await rig.setLevel('S0', 1);
  await waitFor(() => calls === 1, { what: 'the first call that hangs' });

  // New SKUs and old ones: more than the places that the silent channel has for calls.
  for (let round = 1; round <= 30; round += 1) {
    await rig.setLevel(`S${round % 10}`, 100 + round);
    for (const other of others) {
      const what = `round ${round}`;
      await waitFor(() => other.shown[`S${round % 10}`] === 100 + round, { what });
    }
  }
  // All that time none of its calls came to an end, and it has not taken more than its places.
  expect(await rig.deliveries('silent')).toEqual([]);
  await waitFor(() => jobs.bulkheads()['default/silent']?.running === calls, {
    what: 'calls on their way to arrive',
  });
  expect(calls).toBeLessThanOrEqual(4);

  answer.resolve({ status: 200 });
  await rig.settled();
  for (const server of [silent, ...others]) expect(server.shown).toEqual(await rig.stock());
});

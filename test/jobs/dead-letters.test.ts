import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { deleteChannel, listDeadLetters, type DeliveryView } from '../../src/channels/index.ts';
import { setStock, type Command } from '../../src/stock/index.ts';
import { provenance } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';
import { ChannelServer, type Answer } from './channel-server.ts';
import { DeliveryRig, merchantId } from './delivery-rig.ts';
import { startVendor, vendorAdapter } from './fake-vendor.ts';

// What a dead letter stands for.

let rig: DeliveryRig;

beforeEach(async () => {
  rig = await DeliveryRig.open(vendorAdapter({ capabilities: { idempotency: 'none' } }));
});

afterEach(() => rig.close());

const set = (sku: string, onHand: number): Command =>
  setStock({ level: { merchantId, sku, storeId: 'main' }, request: { onHand }, provenance });

const deadLetters = async (): Promise<readonly DeliveryView[]> =>
  (await listDeadLetters(rig.db, { merchantId, limit: 100 })).items;

const summaryOf = ({ status, listings, attempts }: DeliveryView): unknown[] => [
  status,
  listings,
  attempts.map(({ errorCode }) => errorCode),
];

test('one of a listing stays when others of its call go out at the next attempt', async () => {
  const vendor = await startVendor();
  onTestFinished(() => vendor.stop());
  await rig.start();
  await rig.connectVendor(vendor, 'shop');
  await rig.submit(set('A', 1), set('B', 1));
  await rig.settled();
  vendor.state.instead = {
    A: [{ kind: 'refused', code: 'no_such_item' }],
    B: [{ kind: 'retry', code: 'busy' }],
  };
  await rig.submit(set('A', 2), set('B', 2));
  await rig.settled();
  expect(vendor.state.shown).toEqual({ A: 1, B: 2 });
  expect((await deadLetters()).map(summaryOf)).toEqual([['dead', 1, ['no_such_item']]]);
  const others = (await rig.deliveries('shop')).filter(({ status }) => status !== 'dead');
  expect(others.map(summaryOf)).toContainEqual(['delivered', 1, ['busy', null]]);
  // What comes later makes it obsolete.
  await rig.submit(set('A', 3));
  await waitFor(() => vendor.state.shown['A'] === 3, { what: 'the newer figure' });
  await rig.settled();
  expect(await deadLetters()).toEqual([]);
});

/** Makes the last attempt about A fail after something was done to the channel. */
async function failAfter(act: (server: ChannelServer) => Promise<unknown>): Promise<void> {
  const server = await ChannelServer.start();
  onTestFinished(() => server.close());
  await rig.start();
  await rig.connect(server, 'web', { maxAttempts: 1 });
  await rig.submit(set('A', 1), set('B', 1));
  await rig.settled();
  let isCalled = false;
  const answer = Promise.withResolvers<Answer>();
  server.answer = () => {
    isCalled = true;
    return answer.promise;
  };
  await rig.submit(set('A', 2));
  await waitFor(() => isCalled, { what: 'the call' });
  await act(server);
  answer.resolve({ status: 500 });
  await waitFor(async () => (await jobsIn('failed')).length === 1, { what: 'the job to fail' });
}

const jobsIn = async (state: string): Promise<unknown[]> =>
  (
    await rig.inspector.query(
      `select name from pgboss.job where name like 'channel.%' and state = $1`,
      [state],
    )
  ).rows;

test('there is none for a listing that the channel does not select any more', async () => {
  await failAfter((server) =>
    rig.connect(server, 'web', { maxAttempts: 1, config: { skus: ['B'] } }),
  );
  expect(await deadLetters()).toEqual([]);
  expect((await rig.deliveries('web')).map(({ status }) => status)).toContain('superseded');
  expect(await jobsIn('created')).toEqual([]);
});

test('there is none of a channel that is deleted', async () => {
  await failAfter(() => deleteChannel(rig.db, merchantId, 'web'));
  expect(await rig.deliveries('web')).toEqual([]);
  expect((await rig.inspector.query('select from delivery_attempt')).rows).toEqual([]);
});

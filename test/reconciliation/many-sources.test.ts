import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ChannelServer } from '../jobs/channel-server.ts';
import { waitFor } from '../support/wait-for.ts';
import { openReconciliationRig, type ReconciliationRig } from './rig.ts';
import { Door } from './vendors.ts';

// Reconciliation takes nothing away from deliveries, however many sources it has to read.

const count = 12;

let rig: ReconciliationRig;
let hook: ChannelServer;
let door: Door;
/** Readings that the feed has not answered yet, and the most there were at once. */
let reading = { now: 0, most: 0 };

const feed = createServer((request, response) => {
  void (async () => {
    reading.now += 1;
    reading.most = Math.max(reading.most, reading.now);
    await door.pass();
    reading.now -= 1;
    const storeId = new URL(request.url ?? '', 'http://localhost').searchParams.get('store');
    const what = { id: 'a', sku: 'A', storeId, quantity: 'onHand', op: 'set', value: 0 };
    const items = [{ ...what, observedAt: new Date().toISOString() }];
    const body = { items, nextCursor: 'end', hasMore: false, snapshot: true };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  })();
});

beforeEach(async () => {
  door = new Door();
  reading = { now: 0, most: 0 };
  [rig, hook] = await Promise.all([openReconciliationRig(), ChannelServer.start()]);
  await new Promise<void>((resolve) => feed.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  door.open();
  await rig.close();
  await hook.close();
  await new Promise((resolve) => feed.close(resolve));
});

test('deliveries go on while more sources are read than may be read at once', async () => {
  const { port } = feed.address() as AddressInfo;
  for (let number = 0; number < count; number += 1) {
    const storeId = `store-${number}`;
    await rig.putSource({
      sourceId: `erp-${number}`,
      kind: 'http',
      mode: 'full',
      config: { url: `http://127.0.0.1:${port}/?store=${storeId}` },
      owns: [{ quantity: 'onHand', stores: [storeId] }],
    });
  }
  // None of them is due by the clock: what is read, reconciliation reads.
  await rig.rig.inspector.query("update source set next_run_at = now() + interval '1 hour'");
  await rig.start();
  await rig.rig.connect(hook, 'hook');
  await rig.rig.setLevel('A', 4);
  await rig.rig.settled();
  door.shut();
  const id = await rig.request();
  await waitFor(() => door.waiting > 0, { what: 'the first readings' });
  await rig.rig.setLevel('A', 5);
  const isTold = () => hook.messages.some(({ changes }) => changes.at(-1)?.available === 5);
  await waitFor(isTold, { what: 'the delivery' });
  door.open();
  const run = await rig.finished(id);
  expect(run.parts.filter(({ sourceId }) => sourceId !== null)).toHaveLength(count);
  expect(
    run.parts.filter(({ status, channelId }) => status === 'failed' && channelId === null),
  ).toEqual([]);
  // The part that adds up the ledger may have one of the four places.
  expect([3, 4]).toContain(reading.most);
});

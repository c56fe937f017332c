import { afterEach, beforeEach, expect, test } from 'vitest';
import { createReservation, commitReservation } from '../../src/reservations/index.ts';
import { ChannelServer } from './channel-server.ts';
import { DeliveryRig, merchantId } from './delivery-rig.ts';

let rig: DeliveryRig;
let shop: ChannelServer;
let other: ChannelServer;

beforeEach(async () => {
  [rig, shop, other] = await Promise.all([
    DeliveryRig.open(),
    ChannelServer.start(),
    ChannelServer.start(),
  ]);
  await rig.start();
  await rig.connect(shop, 'shop');
  await rig.connect(other, 'other');
  await rig.setLevel('A', 10);
  await rig.settled();
});

afterEach(async () => {
  await rig.close();
  await Promise.all([shop.close(), other.close()]);
});

test("a channel's own sale is told to the others and not to itself", async () => {
  await rig.change('A', -1, 'shop');
  await rig.settled();
  expect(other.shown).toEqual({ A: 9 });
  expect(shop.messages).toHaveLength(1);
  const [newest] = await rig.deliveries('shop');
  expect(newest).toMatchObject({ status: 'suppressed', messageId: null });
  expect(newest?.attempts).toMatchObject([{ outcome: 'suppressed', httpStatus: null }]);
  // What it sold counts as told: the next change of somebody else is sent as it is.
  await rig.change('A', -2);
  await rig.settled();
  expect(shop.shown).toEqual({ A: 7 });
});

test('a channel is told what it did itself when its figure would differ', async () => {
  const lock = await rig.inspector.connect();
  try {
    // Both changes are committed before the relay can read the first.
    await lock.query('begin');
    await lock.query('lock table outbox_message in share mode');
    const changes = [rig.change('A', -1, 'shop'), rig.change('A', -3)];
    await lock.query('commit');
    await Promise.all(changes);
  } finally {
    lock.release();
  }
  await rig.settled();
  expect(shop.shown).toEqual({ A: 6 });
});

test('a figure that is told as 0 is not taken for the channel to know', async () => {
  await rig.change('A', -10, 'shop');
  await rig.settled();
  expect(shop.messages).toHaveLength(1);
  await rig.setLevel('A', 3);
  await rig.settled();
  expect(shop.shown).toEqual({ A: 3 });
});

test('the sale of what was reserved is told to the channel that sold it', async () => {
  const reserve = createReservation({
    merchantId,
    orderId: 'order-1',
    lines: [{ storeId: 'main', sku: 'A', quantity: 4 }],
    ttlSeconds: 60,
    actor: null,
  });
  await rig.submit(reserve);
  await rig.settled();
  expect(shop.shown).toEqual({ A: 6 });
  const { rows } = await rig.inspector.query<{ reservation_id: string }>(
    'select reservation_id from reservation',
  );
  await rig.submit(
    commitReservation(
      {
        merchantId,
        reservationId: rows[0]?.reservation_id ?? '',
        actor: null,
        sourceChannel: 'shop',
      },
      'if-available',
    ),
  );
  await rig.settled();
  expect(shop.messages).toHaveLength(3);
  expect(shop.figures.get('A')).toMatchObject({ available: 6, onHand: 6 });
});

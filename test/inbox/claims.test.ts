import { afterAll, beforeAll, expect, test } from 'vitest';
import { AskingPlaces } from '../../src/inbox/index.ts';
import { claimWebhooks, giveBack, keepWebhook } from '../../src/inbox/claim-webhooks.ts';
import { DeliveryRig, merchantId } from '../jobs/delivery-rig.ts';

// Which process may work a webhook.

let rig: DeliveryRig;

beforeAll(async () => {
  rig = await DeliveryRig.open();
  await rig.connect({ url: 'http://127.0.0.1:1/', secret: '' } as never, 'till');
});

afterAll(async () => {
  await rig?.close();
});

async function comeIn(topic: string): Promise<void> {
  await rig.inspector.query('delete from inbox_webhook');
  await rig.inspector.query(
    `insert into inbox_webhook (merchant_id, channel_id, webhook_id, topic, headers, body, due_at,
       received_at)
     values ($1, 'till', 'w', $2, '{}', '', clock_timestamp(), clock_timestamp())`,
    [merchantId, topic],
  );
}

const of = (channel_id: string) => ({ merchant_id: merchantId, channel_id, topic: 't' });

const claim = (places = new AskingPlaces()) => claimWebhooks(rig.db, places, 8);

async function only(): Promise<{ attempts: number; isDue: boolean }> {
  const { rows } = await rig.inspector.query<{ attempts: number; isDue: boolean }>(
    'select attempts, due_at <= clock_timestamp() as "isDue" from inbox_webhook',
  );
  const [row] = rows;
  if (row === undefined) throw new Error('no webhook');
  return row;
}

test('a webhook whose claim has run out is left to whoever has taken it since', async () => {
  await comeIn('order.created');
  const [first] = await claim();
  expect(await claim()).toEqual([]);
  if (first === undefined) throw new Error('nothing was claimed');
  expect(await keepWebhook(rig.db, first, 60_000)).toBe(true);
  // The time it was kept for is over, and another process looks.
  await rig.inspector.query('update inbox_webhook set due_at = clock_timestamp()');
  const [second] = await claim();
  expect(second).toMatchObject({ webhook_id: 'w', attempts: 2 });
  expect(await keepWebhook(rig.db, first, 60_000)).toBe(false);
  await giveBack(rig.db, [first], { waitMs: 0 });
  expect(await only()).toEqual({ attempts: 2, isDue: false });
});

test('what is given back was not tried, and is due again', async () => {
  await comeIn('order.created');
  await giveBack(rig.db, await claim(), { waitMs: 0 });
  expect(await only()).toEqual({ attempts: 0, isDue: true });
});

test('webhooks that would wait for a place to ask are not taken, others are', async () => {
  const places = new AskingPlaces();
  const asking = { merchant_id: merchantId, channel_id: 'till', topic: 'order.created' };
  expect([places.take(asking), places.take(asking), places.take(asking)]).toEqual([
    true,
    true,
    false,
  ]);
  await comeIn('order.created');
  expect(await claim(places)).toEqual([]);
  places.leave(asking);
  expect(await claim(places)).toHaveLength(1);
  expect(places.take(asking)).toBe(true);
  await comeIn('order.told');
  expect(await claim(places)).toHaveLength(1);
});

test('of all channels three orders are asked for at a time, and a worker is left', () => {
  const places = new AskingPlaces();
  expect(['a', 'b', 'c', 'd'].map((id) => places.take(of(id)))).toEqual([true, true, true, false]);
  places.leave(of('b'));
  expect(places.take(of('d'))).toBe(true);
});

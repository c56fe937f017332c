import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSeller, type Seller } from '../../emulators/square/seller.ts';
import type { EmulatedOrder } from '../../emulators/square/state.ts';
import { forged, signedOrderWebhook } from '../../emulators/square/webhooks.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { VendorRig, type SignedWebhook } from './vendor-rig.ts';

const skus = { cup: 400, plate: 400 };
const signatureKey = 'of-the-subscription';
const notificationUrl = 'https://us.example/api/webhooks/till';

let rig: VendorRig;
let seller: Seller;
let begin = 0;

beforeAll(async () => {
  rig = await VendorRig.open();
  seller = await startSeller({ seed: { skus } });
  const { config, credentials } = seller;
  const channel = {
    kind: 'square',
    config: { ...config, notificationUrl },
    credentials: { ...credentials, webhookSignatureKey: signatureKey },
  };
  await rig.connect('till', channel, skus, (sku) => seller.idsOf(sku));
  begin = Date.now();
});

afterAll(async () => {
  await rig?.close();
  await seller?.server.stop();
});

type Told = { readonly cups: number; readonly plates: number };

function order(id: string, version: number, state: EmulatedOrder['state'], told: Told) {
  const lines = [
    { uid: 'a', catalog_object_id: seller.idsOf('cup').catalogObjectId, units: told.cups },
    { uid: 'b', catalog_object_id: seller.idsOf('plate').catalogObjectId, units: told.plates },
  ];
  return {
    id,
    location_id: seller.idsOf('cup').locationId,
    state,
    version,
    updated_at: new Date(begin + version).toISOString(),
    line_items: lines.flatMap(({ units, ...line }) => {
      return units === 0 ? [] : [{ ...line, quantity: String(units) }];
    }),
  } satisfies EmulatedOrder;
}

const told = (state: EmulatedOrder): SignedWebhook => {
  return signedOrderWebhook(state, { signatureKey, notificationUrl });
};

const bought = (i: number): Told => ({ cups: 1 + (i % 3), plates: 2 });

/** What becomes of an order: it is cancelled, edited, or sold as it was. */
function endOf(i: number): EmulatedOrder {
  const { cups, plates } = bought(i);
  if (i % 4 === 0) return order(`O${i}`, 2, 'CANCELED', { cups, plates });
  if (i % 4 === 1) return order(`O${i}`, 2, 'COMPLETED', { cups: cups + 1, plates: 0 });
  return order(`O${i}`, 2, 'COMPLETED', { cups, plates });
}

test('named orders, twice each, shuffled, some forged: each counts once', async () => {
  const begun = Array.from({ length: 60 }, (_, i) => order(`O${i}`, 1, 'OPEN', bought(i)));
  const ended = begun.map((_, i) => endOf(i));
  const invented = Array.from({ length: 20 }, (_, i) => {
    const one = order(`F${i}`, 1, 'COMPLETED', { cups: 50, plates: 0 });
    // It is there to be read: nothing but the signature keeps it out.
    seller.state.orders[one.id] = one;
    return forged(told(one), notificationUrl);
  });
  for (const one of begun) seller.state.orders[one.id] = one;
  const first = begun.slice(0, 30).map(told);
  expect(await rig.storm('till', first, 3)).toEqual({ 200: 60 });
  await rig.worked();
  for (const one of ended) seller.state.orders[one.id] = one;
  const rest = [...begun.slice(30), ...ended].map(told);
  expect(await rig.storm('till', [...first, ...rest, ...invented], 4)).toEqual({
    200: 240,
    401: 40,
  });
  await rig.worked();
  const sold = { cup: 0, plate: 0 };
  for (const { state, line_items: lines } of ended) {
    if (state === 'CANCELED') continue;
    for (const { uid, quantity } of lines) sold[uid === 'a' ? 'cup' : 'plate'] += Number(quantity);
  }
  expect(sold).toEqual({ cup: 105, plate: 60 });
  for (const sku of ['cup', 'plate'] as const) {
    const left = skus[sku] - sold[sku];
    expect(await rig.levelOf(sku)).toMatchObject({ onHand: left, openOrders: 0, available: left });
  }
  const { done = 0, stale = 0, ...others } = await rig.ends('till');
  expect({ told: done + stale, others }).toEqual({ told: 120, others: {} });
  expect(seller.state.invalid).toEqual([]);
  await expectCleanAudit(rig.inspector);
});

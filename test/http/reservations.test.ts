import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../support/api-client.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

let made = 0;
async function stocked(onHand: number): Promise<string> {
  made += 1;
  const sku = `r-${made}`;
  await app.call('PUT', `/api/inventory/stores/main/inventory/${sku}`, { body: { onHand } });
  return sku;
}

const line = (sku: string, quantity: number) => ({ storeId: 'main', sku, quantity });

function reserve(orderId: string, lines: object[], more: object = {}): Promise<Answer> {
  return app.call('POST', '/api/reservations', { body: { orderId, lines, ...more } });
}

function move(held: Answer, step: string, body?: object): Promise<Answer> {
  const path = `/api/reservations/${held.get('reservationId')}/${step}`;
  return app.call('POST', path, body === undefined ? {} : { body });
}

async function levelOf(sku: string): Promise<Answer['body']> {
  return (await app.call('GET', `/api/inventory/stores/main/inventory/${sku}`)).body;
}

describe('a reservation', () => {
  test('holds every line or none, the same SKU added up', async () => {
    const [a, b] = [await stocked(5), await stocked(1)];
    const none = await reserve('o-1', [line(a, 2), line(b, 2)]);
    expect(none).toMatchObject({
      status: 409,
      body: {
        code: 'STOCK.INSUFFICIENT',
        lines: [{ storeId: 'main', sku: b, requested: 2, available: 1 }],
      },
    });
    const held = await reserve('o-1', [line(a, 2), line(b, 1), line(a, 1)]);
    expect(held).toMatchObject({
      status: 201,
      body: { orderId: 'o-1', status: 'active', lines: [line(a, 3), line(b, 1)] },
    });
    expect(await levelOf(a)).toMatchObject({ onHand: 5, reserved: 3, available: 2 });
    const hours = (Date.parse(held.get('expiresAt')) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23);
    expect(hours).toBeLessThan(25);
  });

  test('is shown, listed by order and by status', async () => {
    const held = await reserve('o-2', [line(await stocked(5), 1)], { ttlSeconds: 60 });
    const shown = await app.call('GET', `/api/reservations/${held.get('reservationId')}`);
    expect(shown.body).toEqual(held.body);
    const listed = await app.call('GET', '/api/reservations?orderId=o-2&status=active');
    expect(listed.list()).toEqual([held.body]);
    expect((await app.call('GET', '/api/reservations?orderId=o-2&status=expired')).list()).toEqual(
      [],
    );
    expect(await app.call('GET', '/api/reservations?status=lost')).toMatchObject({ status: 422 });
    expect(await app.call('GET', '/api/reservations/rsv_none')).toMatchObject({
      status: 404,
      body: { code: 'RESERVATION.NOT_FOUND' },
    });
  });

  test('ends once: a repeated step changes nothing, another one is refused', async () => {
    const sku = await stocked(5);
    const held = await reserve('o-3', [line(sku, 2)]);
    const committed = await move(held, 'commit');
    expect(committed).toMatchObject({ status: 200, body: { status: 'committed' } });
    expect((await move(held, 'commit', {})).text).toBe(committed.text);
    expect(await levelOf(sku)).toMatchObject({ onHand: 3, reserved: 0, version: 3 });
    for (const [step, body] of [
      ['release', {}],
      ['extend', { ttlSeconds: 5 }],
    ] as const) {
      expect(await move(held, step, body)).toMatchObject({
        status: 409,
        body: { code: 'RESERVATION.NOT_ACTIVE', reservationStatus: 'committed' },
      });
    }
  });

  test('that has expired commits late while the stock is free, and not afterwards', async () => {
    const sku = await stocked(2);
    const [first, second] = [
      await reserve('o-4', [line(sku, 1)], { ttlSeconds: 60 }),
      await reserve('o-5', [line(sku, 1)], { ttlSeconds: 60 }),
    ];
    app.core.clock.offsetMs += 61_000;
    expect(await move(first, 'commit')).toMatchObject({ status: 200, body: { late: true } });
    await reserve('o-6', [line(sku, 1)]);
    expect(await move(second, 'commit')).toMatchObject({
      status: 409,
      body: { code: 'RESERVATION.EXPIRED' },
    });
    app.core.clock.offsetMs = 0;
  });

  test('can be extended and released', async () => {
    const sku = await stocked(2);
    const held = await reserve('o-7', [line(sku, 1)], { ttlSeconds: 60 });
    const extended = await move(held, 'extend', { ttlSeconds: 7200 });
    expect(Date.parse(extended.get('expiresAt'))).toBeGreaterThan(Date.now() + 3_600_000);
    expect(await move(held, 'release')).toMatchObject({ body: { status: 'released' } });
    expect(await levelOf(sku)).toMatchObject({ available: 2 });
  });
});

function send(type: string, data: object, more: object = {}): Promise<Answer> {
  made += 1;
  const event = { specversion: '1.0', id: `e-${made}`, source: '/shop', type, data, ...more };
  return app.call('POST', '/api/events', {
    raw: JSON.stringify(event),
    headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
  });
}

describe('an event', () => {
  test('order.confirmed takes the lines from stock, all or none, once', async () => {
    const sku = await stocked(5);
    const data = { orderId: 'e-o-1', lines: [line(sku, 2)], sourceChannel: 'shop' };
    const first = await send('order.confirmed', data, { id: 'once' });
    expect(first).toMatchObject({ status: 202, body: { outcome: 'taken', orderId: 'e-o-1' } });
    const again = await send('order.confirmed', data, { id: 'once' });
    expect(again.text).toBe(first.text);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await levelOf(sku)).toMatchObject({ onHand: 3, available: 3 });
    const other = { ...data, lines: [line(sku, 1)] };
    expect(await send('order.confirmed', other, { id: 'once' })).toMatchObject({
      status: 422,
      body: { code: 'IDEMPOTENCY.KEY_REUSED' },
    });
    // The same id from another source is another event.
    const another = { id: 'once', source: '/other' };
    const elsewhere = await send('order.confirmed', { ...data, orderId: 'e-o-2' }, another);
    expect(elsewhere.status).toBe(202);
    const much = { ...data, orderId: 'e-o-3', lines: [line(sku, 9)] };
    expect(await send('order.confirmed', much)).toMatchObject({
      status: 409,
      body: { code: 'STOCK.INSUFFICIENT' },
    });
  });

  test('order.confirmed commits the reservation, order.cancelled puts it back', async () => {
    const sku = await stocked(5);
    const held = await reserve('e-o-4', [line(sku, 2)]);
    const reservationId = held.get('reservationId');
    const confirmed = await send('order.confirmed', { orderId: 'e-o-4', reservationId });
    expect(confirmed).toMatchObject({ status: 202, body: { outcome: 'committed' } });
    const cancelled = await send('order.cancelled', { orderId: 'e-o-4' });
    expect(cancelled).toMatchObject({
      status: 202,
      body: { outcome: 'returned', reservation: { status: 'returned' } },
    });
    expect(await levelOf(sku)).toMatchObject({ onHand: 5, available: 5 });
    expect(await send('order.cancelled', { orderId: 'never' })).toMatchObject({
      status: 404,
      body: { code: 'ORDER.NOT_FOUND' },
    });
  });

  test('inventory.adjusted has happened: it may oversell', async () => {
    const sku = await stocked(3);
    await reserve('e-o-5', [line(sku, 3)]);
    const data = { storeId: 'main', sku, delta: -1, sourceChannel: 'pos', reason: 'sale' };
    const time = '2026-01-01T00:00:00Z';
    const taken = await send('inventory.adjusted', data, { time, subject: sku });
    expect(taken).toMatchObject({
      status: 202,
      body: { outcome: 'adjusted', level: { onHand: 2, available: -1 } },
    });
    const ledger = await app.call('GET', `/api/ledger?sku=${sku}`);
    expect(ledger.list().at(-1)).toMatchObject({
      occurredAt: '2026-01-01T00:00:00.000Z',
      sourceChannel: 'pos',
    });
    const guarded = { ...data, mode: 'guarded' };
    expect(await send('inventory.adjusted', guarded)).toMatchObject({ status: 409 });
  });

  test('may say of attributes that they are not set', async () => {
    const sku = await stocked(3);
    const data = { storeId: 'main', sku, delta: 1 };
    const unset = { subject: null, time: null, datacontenttype: null, traceparent: null };
    const taken = await send('inventory.adjusted', data, { id: 'unset', ...unset });
    expect(taken).toMatchObject({ status: 202, body: { level: { onHand: 4 } } });
    const again = await send('inventory.adjusted', data, { id: 'unset' });
    expect(again.text).toBe(taken.text);
    for (const needed of ['id', 'source', 'type', 'data']) {
      expect(await send('inventory.adjusted', data, { [needed]: null })).toMatchObject({
        status: 422,
        body: { errors: [{ path: needed }] },
      });
    }
  });

  test('and a key chosen by a caller never meet', async () => {
    const sku = await stocked(3);
    const data = { storeId: 'main', sku, delta: 1 };
    await send('inventory.adjusted', data, { id: 'same', source: 'same' });
    const path = `/api/inventory/stores/main/inventory/${sku}/adjust`;
    for (const key of ['same', 'event:same:same', 'eventsamesame']) {
      const headers = { 'Idempotency-Key': key };
      const answer = await app.call('POST', path, { body: { delta: 1 }, headers });
      expect(answer.status).toBe(200);
    }
    expect(await levelOf(sku)).toMatchObject({ onHand: 7 });
  });
});

import type { TestApp } from '../../support/app.ts';
import { adminKey } from '../../support/app.ts';
import type { CallerKind } from './requests.ts';

/** What one run of requests finds: a merchant of its own with a little of everything. */
export type World = {
  readonly merchantId: string;
  /** The ids that placeholders stand for. */
  readonly ids: Readonly<Record<string, string>>;
  /** The headers that say who calls. */
  headersOf(caller: CallerKind): Record<string, string>;
  /** All that the database holds for the merchant, and for everybody else, as one text. */
  fingerprint(): Promise<string>;
};

/** Makes worlds, each the same but for its ids. */
export async function openWorlds(app: TestApp): Promise<() => Promise<World>> {
  const fingerprint = await prepareFingerprint(app);
  let number = 0;
  return async () => {
    number += 1;
    const merchantId = `merchant-${number}`;
    await app.call('PUT', `/api/merchants/${merchantId}`, {});
    const headers = { 'X-Merchant-Id': merchantId };
    const make = (method: string, path: string, body: unknown) =>
      app.call(method, path, { body, headers });
    await make('PUT', '/api/stores/main', {});
    await make('PUT', '/api/inventory/stores/main/inventory/sku-1', { onHand: 50 });
    const lines = [{ storeId: 'main', sku: 'sku-1', quantity: 2 }];
    const held = await make('POST', '/api/reservations', { orderId: 'order-1', lines });
    const admin = await make('POST', '/api/keys', { name: 'admin', role: 'admin' });
    const member = await make('POST', '/api/keys', { name: 'member' });
    const config = { url: 'http://127.0.0.1:1/' };
    await make('PUT', '/api/channels/web', { kind: 'webhook', config });
    await make('PUT', '/api/channels/web/listings/main/sku-1', { externalIds: { id: 'x' } });
    const deliveryId = `dlv_${number}`;
    await app.core.pool.query(
      `insert into delivery (merchant_id, delivery_id, channel_id, job_id, status, listings,
         created_at, updated_at)
       values ($1, $2, 'web', gen_random_uuid(), 'dead', 1, now(), now())`,
      [merchantId, deliveryId],
    );
    await make('PUT', '/api/sources/tills', {
      kind: 'push',
      owns: ['onHand', 'allocated', 'openOrders', 'pendingSales', 'unavailable', 'incoming'].map(
        (quantity) => ({ quantity }),
      ),
    });
    await make('PUT', '/api/safety-buffers', { sku: 'sku-1', strategy: 'static', units: 1 });
    const items = [{ sku: 'sku-1', category: 'shoes' }];
    await make('PUT', '/api/safety-buffers/categories', { items });
    await prepareInbox(app, merchantId, number);
    const callers: Record<CallerKind, Record<string, string>> = {
      root: { authorization: `Bearer ${adminKey}`, 'x-merchant-id': merchantId },
      admin: { authorization: `Bearer ${admin.get('key')}` },
      member: { authorization: `Bearer ${member.get('key')}` },
      nobody: {},
      stranger: { authorization: 'Bearer nobody-has-this-key' },
      elsewhere: { authorization: `Bearer ${adminKey}`, 'x-merchant-id': '\u00e9 nobody' },
    };
    return {
      merchantId,
      ids: {
        merchantId,
        storeId: 'main',
        sku: 'sku-1',
        orderId: 'order-1',
        channelId: 'web',
        reservationId: held.get('reservationId'),
        keyId: member.get('keyId'),
        deliveryId,
        sourceId: 'tills',
        quarantineId: `qtn_${number}`,
        webhookId: 'evt-1',
        lineId: 'line-1',
        driftId: `drf_${number}`,
      },
      headersOf: (caller) => callers[caller],
      fingerprint: () => fingerprint(merchantId),
    };
  };
}

/** A webhook, an order with a line that nobody knows, and an item that waits for a decision. */
async function prepareInbox({ core }: TestApp, merchantId: string, number: number): Promise<void> {
  await core.pool.query(
    `insert into source_quarantine (merchant_id, quarantine_id, source_id, sku, location_id,
       quantity, current_value, value, observed_at, item, cause, status, run_id, created_at)
     values ($1, $2, 'tills', 'sku-1', 'main', 'on_hand', 50, 0, now(),
       jsonb_build_object('id', 'evt-9', 'sku', 'sku-1', 'storeId', 'main', 'quantity', 'onHand',
         'op', 'set', 'value', 0, 'observedAt', now()),
       'mass_zero', 'pending', $3, now())`,
    [merchantId, `qtn_${number}`, `run_${number}`],
  );
  await core.pool.query(
    `insert into drift (merchant_id, drift_id, sku, location_id, channel_id, expected, observed,
       units, cause, action, status)
     values ($1, $2, 'sku-1', 'main', 'web', 5, 3, 2, 'channel_changed', 'send_ours', 'pending')`,
    [merchantId, `drf_${number}`],
  );
  await core.pool.query(
    `insert into inbox_webhook (merchant_id, channel_id, webhook_id, topic, headers, body, status,
       due_at, received_at)
     values ($1, 'web', 'evt-1', 'order', '{}', '', 'poison', now(), now())`,
    [merchantId],
  );
  await core.pool.query(
    `insert into inbound_order (merchant_id, channel_id, order_id, revision, status, occurred_at,
       updated_at)
     values ($1, 'web', 'order-1', 1, 'confirmed', now(), now())`,
    [merchantId],
  );
  await core.pool.query(
    `insert into inbound_line (merchant_id, channel_id, order_id, line_id, channel_sku, wanted)
     values ($1, 'web', 'order-1', 'line-1', 'SKU of theirs', 1)`,
    [merchantId],
  );
}

/**
 * A digest of every row of the merchant, table by table; of the other merchants only how many
 * there are, so that it costs the same however many runs there were before.
 */
async function prepareFingerprint({
  core,
}: TestApp): Promise<(merchantId: string) => Promise<string>> {
  const { rows: tables } = await core.pool.query<{ name: string }>(
    `select c.table_name as name from information_schema.columns c
     join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'public' and c.column_name = 'merchant_id'
       and t.table_type = 'BASE TABLE' order by 1`,
  );
  const digests = tables.map(
    ({ name }) =>
      `select '${name}' as name, count(*) as rows, sum(hashtextextended(t::text, 0)) as digest
       from "${name}" t where merchant_id = $1`,
  );
  const text = `${digests.join(' union all ')}
    union all select 'merchants', count(*), null from merchant order by 1`;
  return async (merchantId) => {
    const { rows } = await core.pool.query({
      name: 'fuzz_fingerprint',
      text,
      values: [merchantId],
    });
    return JSON.stringify(rows);
  };
}

import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createAdapters,
  deleteChannel,
  getChannel,
  listChannels,
  listDeliveries,
  listListings,
  pauseChannel,
  putChannel,
  putListings,
  pruneDeliveries,
  republishChannel,
  resumeChannel,
  type PutChannelInput,
} from '../../src/channels/index.ts';
import { ChannelServer } from '../jobs/channel-server.ts';
import { DeliveryRig, merchantId } from '../jobs/delivery-rig.ts';
import { waitFor } from '../support/wait-for.ts';

let rig: DeliveryRig;

beforeAll(async () => {
  rig = await DeliveryRig.open();
});

afterAll(async () => {
  await rig.close();
});

const url = 'http://127.0.0.1:9/hook';
const put = (input: Partial<PutChannelInput>) =>
  putChannel(
    rig.db,
    { adapters: rig.adapters, secretBox: rig.secretBox, clock: rig.clock },
    { merchantId, channelId: 'web', kind: 'webhook', config: { url }, ...input },
  );

async function codeOf(result: Promise<{ ok: boolean; refusal?: { code: string } }>) {
  return (await result).refusal?.code;
}

test('a channel is made once, shows its secret once, and keeps it', async () => {
  const channelId = 'kept';
  const first = await put({ channelId, rateLimitRps: 5 });
  expect(first).toMatchObject({ ok: true, value: { created: true } });
  const secret = first.ok ? first.value.generatedSecret : undefined;
  expect(secret).toMatch(/^whsec_/);
  const sealed = async (): Promise<string> => {
    const { rows } = await rig.inspector.query<{ credentials: Buffer }>(
      'select credentials from channel where channel_id = $1',
      [channelId],
    );
    const context = JSON.stringify([merchantId, channelId]);
    return rig.secretBox.open(rows[0]?.credentials ?? Buffer.alloc(0), context);
  };
  expect(JSON.parse(await sealed())).toEqual({ secret });
  const second = await put({ channelId, mode: 'every', timeoutMs: 700 });
  expect(second.ok && second.value).toMatchObject({ created: false });
  expect(second.ok && second.value).not.toHaveProperty('generatedSecret');
  expect(JSON.parse(await sealed())).toEqual({ secret });
  const view = await getChannel(rig.db, merchantId, channelId);
  expect(view).toMatchObject({ mode: 'every', timeoutMs: 700, rateLimitRps: null });
  expect(JSON.stringify(view)).not.toContain('whsec_');
});

test.each<[string, Partial<PutChannelInput>]>([
  ['CHANNEL.UNKNOWN_KIND', { kind: 'fax' }],
  ['CHANNEL.INVALID', { config: {} }],
  ['CHANNEL.INVALID', { config: { url, unknown: 1 } }],
  ['CHANNEL.INVALID', { config: { url: 'ftp://x' } }],
  ['CHANNEL.INVALID', { credentials: { secret: 'too short' } }],
  ['CHANNEL.INVALID', { timeoutMs: 0 }],
  ['CHANNEL.INVALID', { timeoutMs: 60_001 }],
  ['CHANNEL.INVALID', { maxAttempts: 1.5 }],
  ['CHANNEL.INVALID', { rateLimitRps: 0 }],
])('a channel that cannot be is refused with %s', async (code, input) => {
  expect(await codeOf(put({ channelId: 'refused', ...input }))).toBe(code);
  expect(await getChannel(rig.db, merchantId, 'refused')).toBeUndefined();
});

test('a refusal names the fields', async () => {
  const result = await put({ channelId: 'refused', config: { url: 'ftp://x' }, timeoutMs: -1 });
  expect(result.ok ? undefined : result.refusal.data).toEqual({
    errors: [
      { path: 'config.url', message: expect.stringContaining('https://') },
      { path: 'timeoutMs', message: expect.stringContaining('60000') },
    ],
  });
});

test('what is not there is refused by name', async () => {
  const one = [{ storeId: 'main', sku: 'A', externalIds: null }];
  const calls = [
    deleteChannel(rig.db, merchantId, 'none'),
    pauseChannel(rig.db, merchantId, 'none', 'because'),
    resumeChannel(rig.db, merchantId, 'none'),
    republishChannel(rig.db, merchantId, 'none'),
    putListings(rig.db, { merchantId, channelId: 'none', listings: one }),
    listListings(rig.db, { merchantId, channelId: 'none', limit: 10 }),
  ];
  for (const call of calls) expect(await codeOf(call)).toBe('CHANNEL.NOT_FOUND');
});

test("one merchant's channels are not another's", async () => {
  await rig.inspector.query(`insert into merchant (merchant_id) values ('other')`);
  await put({ channelId: 'mine' });
  expect(await getChannel(rig.db, 'other', 'mine')).toBeUndefined();
  expect(await codeOf(deleteChannel(rig.db, 'other', 'mine'))).toBe('CHANNEL.NOT_FOUND');
  expect(await codeOf(pauseChannel(rig.db, 'other', 'mine', 'x'))).toBe('CHANNEL.NOT_FOUND');
  expect((await listChannels(rig.db, { merchantId: 'other', limit: 10 })).items).toEqual([]);
  expect((await getChannel(rig.db, merchantId, 'mine'))?.status).toBe('active');
});

test('channels come in pages', async () => {
  for (const channelId of ['p1', 'p2', 'p3']) await put({ channelId });
  const first = await listChannels(rig.db, { merchantId, after: 'p0', limit: 2 });
  expect(first.items.map((channel) => channel.channelId)).toEqual(['p1', 'p2']);
  const second = await listChannels(rig.db, { merchantId, after: first.next, limit: 2 });
  expect(second.items[0]?.channelId).toBe('p3');
});

test('listings are kept with the ids the channel knows, all or none', async () => {
  const channelId = 'listed';
  await put({ channelId, enabled: false });
  const listings = [
    { storeId: 'main', sku: 'L2', externalIds: { id: 2 } },
    { storeId: 'main', sku: 'L1', externalIds: { id: 1 } },
    { storeId: 'main', sku: 'L1', externalIds: { id: 'one' } },
  ];
  const result = await putListings(rig.db, { merchantId, channelId, listings });
  expect(result.ok && result.value.map((listing) => listing.externalIds)).toEqual([
    { id: 2 },
    { id: 'one' },
    { id: 'one' },
  ]);
  const mixed = [...listings, { storeId: 'nowhere', sku: 'L3', externalIds: null }];
  const refusal = await putListings(rig.db, { merchantId, channelId, listings: mixed });
  expect(refusal).toMatchObject({
    ok: false,
    refusal: { code: 'STORE.NOT_FOUND', data: { storeIds: ['nowhere'] } },
  });
  const page = await listListings(rig.db, { merchantId, channelId, limit: 1 });
  expect(page.ok && page.value.items.map(({ sku }) => sku)).toEqual(['L1']);
  const after = page.ok ? page.value.next : undefined;
  const rest = await listListings(rig.db, { merchantId, channelId, after, limit: 5 });
  expect(rest.ok && rest.value.items.map(({ sku }) => sku)).toEqual(['L2']);
});

test('a deleted channel is gone with all that belonged to it', async () => {
  const server = await ChannelServer.start();
  const jobs = await rig.start();
  try {
    await rig.connect(server, 'gone');
    await rig.setLevel('G', 1);
    await waitFor(() => server.shown['G'] === 1, { what: 'a delivery' });
    await waitFor(async () => (await rig.deliveries('gone')).length > 0, { what: 'its record' });
    expect(await deleteChannel(rig.db, merchantId, 'gone')).toMatchObject({ ok: true });
    await rig.setLevel('G', 2);
    await waitFor(() => jobs.circuits()['default/gone'] === undefined, { what: 'its end' });
    const { rows } = await rig.inspector.query<{ left: number }>(
      `select (select count(*) from listing where channel_id = 'gone')
         + (select count(*) from delivery where channel_id = 'gone') as left`,
    );
    expect(Number(rows[0]?.left)).toBe(0);
    expect(server.shown).toMatchObject({ G: 1 });
    // A new one of the same name begins with nothing and gets everything.
    server.figures.clear();
    await rig.connect(server, 'gone');
    await waitFor(() => server.shown['G'] === 2, { what: 'the new channel' });
  } finally {
    await rig.stop(jobs);
    await server.close();
  }
});

test('a channel that moves to another address gets everything again', async () => {
  const [old, next] = await Promise.all([ChannelServer.start(), ChannelServer.start()]);
  const jobs = await rig.start();
  try {
    await rig.connect(old, 'moving');
    await rig.setLevel('M', 3);
    await waitFor(() => old.shown['M'] === 3, { what: 'the old address' });
    await rig.connect(next, 'moving');
    await waitFor(() => next.shown['M'] === 3, { what: 'the new address' });
    expect(next.unsigned).toBe(0);
  } finally {
    await rig.stop(jobs);
    await Promise.all([old.close(), next.close()]);
  }
});

test('finished deliveries are pruned by age, and what is still open stays', async () => {
  const insert = `insert into delivery (merchant_id, delivery_id, channel_id, job_id, status,
    listings, created_at, updated_at)
    values ('default', $1, 'pruned', gen_random_uuid(), $2, 1,
      now() - $3 * interval '1 day', now())`;
  await rig.inspector.query(insert, ['dlv_old', 'delivered', 8]);
  await rig.inspector.query(insert, ['dlv_dead', 'dead', 80]);
  await rig.inspector.query(insert, ['dlv_new', 'delivered', 6]);
  expect(await pruneDeliveries(rig.db, 7, 100)).toBe(1);
  const { items } = await listDeliveries(rig.db, { merchantId, channelId: 'pruned', limit: 10 });
  expect(items.map(({ deliveryId }) => deliveryId)).toEqual(['dlv_new', 'dlv_dead']);
});

test('with guarded addresses a private one is refused when it is set', async () => {
  const adapters = createAdapters({ allowPrivateAddresses: false });
  const { secretBox, clock } = rig;
  const input = { merchantId, channelId: 'guarded', kind: 'webhook', config: { url } };
  expect(await codeOf(putChannel(rig.db, { adapters, secretBox, clock }, input))).toBe(
    'CHANNEL.INVALID',
  );
});

import { expect, onTestFinished, test } from 'vitest';
import { startAccount } from '../../emulators/amazon/account.ts';
import { createAmazonAdapter } from '../../src/channels/amazon/adapter.ts';
import { putListings, type ChannelAdapter } from '../../src/channels/index.ts';
import { merchantId, openReconciliationRig } from './rig.ts';

/** Amazon's minutes are some hundredths of a second here. */
const waits = { feedMs: 40, shownMs: 20, otherMs: 400, unansweredMs: 500, acceptedMs: 2_000 };

test('a channel is never asked for more listings than it reads at once', async () => {
  const names = Array.from({ length: 230 }, (_, i) => `S${i}`);
  const seed = { skus: Object.fromEntries(names.map((sku) => [sku, 0])) };
  const vendor = await startAccount({
    speed: 200,
    patchMs: 20,
    feedQueueMs: 30,
    feedProcessMs: 60,
    seed,
  });
  onTestFinished(() => vendor.server.stop());
  const amazon = createAmazonAdapter({ allowPrivateAddresses: true, waits }) as ChannelAdapter;
  const asked: number[] = [];
  const rig = await openReconciliationRig({
    ...amazon,
    async read(listings, context) {
      asked.push(listings.length);
      return (await amazon.read?.(listings, context)) ?? { ok: true, quantities: [] };
    },
  });
  onTestFinished(() => rig.close());
  await rig.start();
  for (const sku of names) await rig.rig.setLevel(sku, 7);
  const { config, credentials } = vendor;
  await rig.rig.connectVendor(vendor.server, 'amazon', { kind: 'amazon', config, credentials });
  const listings = names.map((sku) => ({ storeId: 'main', sku, externalIds: { sku } }));
  const put = await putListings(rig.rig.db, { merchantId, channelId: 'amazon', listings });
  expect(put.ok).toBe(true);
  await rig.rig.settled();
  expect(await rig.reconcile()).toMatchObject({ compared: 230, drifts: 0 });
  expect(asked).toEqual([100, 100, 30]);
});

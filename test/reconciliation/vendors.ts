import type { ChannelAdapter } from '../../src/channels/index.ts';
import { putListings } from '../../src/channels/index.ts';
import { startShop } from '../../emulators/shopify/shop.ts';
import { startSeller } from '../../emulators/square/seller.ts';
import { startStore } from '../../emulators/woocommerce/store.ts';
import { merchantId, type DeliveryRig } from '../jobs/delivery-rig.ts';

/** A vendor's server with some SKUs, whatever the vendor. */
export type TestVendor = {
  readonly kind: string;
  readonly url: string;
  shown(sku: string): number | null | undefined;
  /** Staff changes the figure at the vendor's. */
  setByHand(sku: string, quantity: number): void;
  /** Calls that it got so far. */
  calls(): number;
  /** Makes a channel for it, with a listing of each SKU. */
  connect(
    rig: DeliveryRig,
    channelId: string,
    more?: { readonly driftPolicy?: 'ours' | 'hold'; readonly rateLimitRps?: number },
  ): Promise<void>;
  stop(): Promise<void>;
};

type Seed = Record<string, number>;

export const vendors: Readonly<Record<string, (skus: Seed) => Promise<TestVendor>>> = {
  async shopify(skus) {
    const bucket = { capacity: 100_000, restoreRate: 100_000 };
    const shop = await startShop({ seed: { skus, bucket } });
    return vendorOf('shopify', shop, Object.keys(skus), {
      shown: (sku) => shop.available(sku),
      setByHand: (sku, quantity) => shop.setByHand(sku, quantity),
    });
  },
  async square(skus) {
    const seller = await startSeller({ seed: { skus } });
    return vendorOf('square', seller, Object.keys(skus), {
      shown: (sku) => seller.stockOf(sku),
      setByHand: (sku, quantity) => seller.countByHand(sku, quantity),
    });
  },
  async woocommerce(skus) {
    const store = await startStore({ seed: { skus } });
    return vendorOf('woocommerce', store, Object.keys(skus), {
      shown: (sku) => store.stockOf(sku),
      setByHand: (sku, quantity) => store.setByHand(sku, quantity),
    });
  },
};

type Emulated = {
  readonly server: {
    readonly url: string;
    readonly journal: readonly unknown[];
    stop(): Promise<void>;
  };
  readonly config: unknown;
  readonly credentials: unknown;
  idsOf(sku: string): unknown;
};

function vendorOf(
  kind: string,
  emulated: Emulated,
  skus: readonly string[],
  how: Pick<TestVendor, 'shown' | 'setByHand'>,
): TestVendor {
  const { server, config, credentials } = emulated;
  return {
    kind,
    url: server.url,
    ...how,
    calls: () => server.journal.length,
    async connect(rig, channelId, more = {}) {
      await rig.connectVendor(server, channelId, { kind, config, credentials, ...more });
      const listings = skus.map((sku) => {
        return { storeId: 'main', sku, externalIds: emulated.idsOf(sku) };
      });
      const result = await putListings(rig.db, { merchantId, channelId, listings });
      if (!result.ok) throw new Error(result.refusal.code);
    },
    stop: () => server.stop(),
  };
}

/** A door that calls wait before, until it is opened. */
export class Door {
  #isOpen = true;
  #waiting: (() => void)[] = [];
  /** How many came to it while it was shut. */
  waiting = 0;

  shut(): void {
    this.#isOpen = false;
  }

  open(): void {
    this.#isOpen = true;
    for (const go of this.#waiting.splice(0)) go();
  }

  async pass(): Promise<void> {
    if (this.#isOpen) return;
    this.waiting += 1;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}

/** The adapter itself, with doors before its calls: before it writes, and after it has read. */
export function withDoors(
  adapter: ChannelAdapter,
  doors: { readonly publish?: Door; readonly read?: Door },
): ChannelAdapter {
  return {
    ...adapter,
    async publish(changes, context) {
      await doors.publish?.pass();
      return await adapter.publish(changes, context);
    },
    async read(listings, context) {
      if (adapter.read === undefined) throw new Error('it cannot read');
      const result = await adapter.read(listings, context);
      await doors.read?.pass();
      return result;
    },
  };
}

import type {
  Change,
  ChangeOutcome,
  PublishContext,
  PublishResult,
} from '../../../src/channels/adapter.ts';
import { createShopifyAdapter } from '../../../src/channels/shopify/adapter.ts';
import type { ShopifyConfig, ShopifyCredentials } from '../../../src/channels/shopify/settings.ts';
import { startShop, type Shop, type ShopOptions } from '../../../emulators/shopify/shop.ts';

type Context = PublishContext<ShopifyConfig, ShopifyCredentials>;

export const webhookSecret = 'shpss_of_the_app';

/** A shop, and an adapter that talks to it, with a clock that both read. */
export class ShopRig {
  readonly shop: Shop;
  readonly adapter = createShopifyAdapter({ allowPrivateAddresses: true });
  readonly config: ShopifyConfig;
  nowMs: () => number;
  #calls = 0;

  private constructor(shop: Shop, nowMs: () => number) {
    this.shop = shop;
    this.config = this.adapter.configSchema.parse(shop.config);
    this.nowMs = nowMs;
  }

  static async open(options: ShopOptions = {}): Promise<ShopRig> {
    return new ShopRig(await startShop(options), options.now ?? Date.now);
  }

  async close(): Promise<void> {
    await this.adapter.close?.();
    await this.shop.server.stop();
  }

  context(more: Partial<Context> = {}): Context {
    this.#calls += 1;
    return {
      merchantId: 'default',
      channelId: 'shop',
      config: this.config,
      credentials: { ...this.shop.credentials, webhookSecret },
      signal: AbortSignal.timeout(60_000),
      now: () => new Date(this.nowMs()),
      messageId: `msg_${this.#calls}`,
      ...more,
    };
  }

  change(sku: string, available: number, previous: number | null = null): Change {
    return {
      storeId: 'main',
      sku,
      externalIds: this.shop.idsOf(sku),
      available,
      onHand: available,
      version: 1,
      recordedAt: new Date(0),
      previous,
    };
  }

  publish(changes: readonly Change[], more: Partial<Context> = {}): Promise<PublishResult> {
    return this.adapter.publish(changes, this.context(more));
  }

  /** What became of changes; throws when the call failed. */
  async outcomes(...changes: readonly Change[]): Promise<readonly ChangeOutcome[]> {
    const result = await this.publish(changes);
    if (!result.ok) throw new Error(result.failure.code);
    return result.outcomes ?? [];
  }

  /** The failure of a call; throws when it succeeded. */
  async failure(
    ...changes: readonly Change[]
  ): Promise<(PublishResult & { ok: false })['failure']> {
    const result = await this.publish(changes);
    if (result.ok) throw new Error('the call succeeded');
    return result.failure;
  }

  /** The operations the shop was asked for, in order. */
  get asked(): readonly string[] {
    return this.shop.server.journal.map(({ request }) => {
      const { query } = JSON.parse(request.body) as { query: string };
      return /^(?:mutation|query) (\w+)/.exec(query)?.[1] ?? '';
    });
  }
}

/** SKUs S0, S1, … with so many each. */
export function skus(count: number, available: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`S${i}`, available]));
}

import type {
  Change,
  ChangeOutcome,
  PublishContext,
  PublishFailure,
  PublishResult,
} from '../../../src/channels/adapter.ts';
import { createWooCommerceAdapter } from '../../../src/channels/woocommerce/adapter.ts';
import type { WooConfig, WooCredentials } from '../../../src/channels/woocommerce/settings.ts';
import { startStore, type Store, type StoreOptions } from '../../../emulators/woocommerce/store.ts';

type Context = PublishContext<WooConfig, WooCredentials>;

/** A shop, and an adapter that talks to it. */
export class StoreRig {
  readonly store: Store;
  readonly adapter = createWooCommerceAdapter({ allowPrivateAddresses: true });

  private constructor(store: Store) {
    this.store = store;
  }

  static async open(options: StoreOptions = {}): Promise<StoreRig> {
    return new StoreRig(await startStore(options));
  }

  async close(): Promise<void> {
    await this.adapter.close?.();
    await this.store.server.stop();
  }

  context(more: Partial<Context> = {}): Context {
    return {
      merchantId: 'default',
      channelId: 'shop',
      config: this.adapter.configSchema.parse(this.store.config),
      credentials: this.store.credentials,
      signal: AbortSignal.timeout(60_000),
      now: () => new Date(),
      messageId: 'msg_1',
      ...more,
    };
  }

  change(sku: string, available: number): Change {
    return changeOf(sku, available, this.store.idsOf(sku));
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
  async failure(...changes: readonly Change[]): Promise<PublishFailure> {
    const result = await this.publish(changes);
    if (result.ok) throw new Error('the call succeeded');
    return result.failure;
  }

  /** What the shop was asked for, in order. */
  get asked(): readonly string[] {
    return this.store.server.journal.map(({ request: { method, path } }) => {
      return `${method} ${path.replace('/wp-json/wc/v3/', '')}`;
    });
  }
}

export function changeOf(sku: string, available: number, externalIds: unknown): Change {
  return {
    storeId: 'main',
    sku,
    externalIds,
    available,
    onHand: available,
    version: 1,
    recordedAt: new Date(0),
    previous: null,
  };
}

/** SKUs S0, S1, … with so many each. */
export function skus(count: number, available: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`S${i}`, available]));
}

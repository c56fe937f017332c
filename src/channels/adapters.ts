import { UsageError } from '../errors.ts';
import type { Adapters, ChannelAdapter } from './adapter.ts';
import { createAmazonAdapter } from './amazon/adapter.ts';
import { createEbayAdapter } from './ebay/adapter.ts';
import { createShopifyAdapter } from './shopify/adapter.ts';
import { createSquareAdapter } from './square/adapter.ts';
import { createWebhookAdapter } from './webhook/adapter.ts';
import { createWooCommerceAdapter } from './woocommerce/adapter.ts';

export type AdapterOptions = {
  /** Whether channels may be at private, loopback or link-local addresses, and without TLS. */
  readonly allowPrivateAddresses: boolean;
};

/** Every adapter of this program: a new one is one line here. */
export function createAdapters(options: AdapterOptions): Adapters {
  const adapters: ChannelAdapter[] = [
    createWebhookAdapter(options),
    createShopifyAdapter(options),
    createWooCommerceAdapter(options),
    createSquareAdapter(options),
    createAmazonAdapter(options),
    createEbayAdapter(options),
  ];
  return new Map(adapters.map((adapter) => [adapter.kind, adapter]));
}

/** Throws a UsageError where settings name a kind that no adapter is of. */
export function checkKinds(
  adapters: Adapters,
  settings: readonly { readonly kind: string }[],
): void {
  const kinds = [...adapters.keys()];
  for (const [index, { kind }] of settings.entries()) {
    if (kinds.includes(kind)) continue;
    const place = `inventory_sync.channels.${index}.kind`;
    const allowed = `one of ${kinds.toSorted().join(', ')}`;
    throw new UsageError(`${place}: found "${kind}"; allowed: ${allowed}`);
  }
}

/** Closes the connections of all adapters. */
export async function closeAdapters(adapters: Adapters): Promise<void> {
  await Promise.allSettled([...adapters.values()].map(async (adapter) => adapter.close?.()));
}

import type {
  Change,
  ChangeOutcome,
  PublishContext,
  PublishFailure,
  PublishResult,
} from '../../../src/channels/adapter.ts';
import { createSquareAdapter } from '../../../src/channels/square/adapter.ts';
import type { SquareConfig, SquareCredentials } from '../../../src/channels/square/settings.ts';
import { startSeller, type Seller, type SellerOptions } from '../../../emulators/square/seller.ts';

type Context = PublishContext<SquareConfig, SquareCredentials>;

/** A seller, and an adapter that talks to Square for them, with a clock that both read. */
export class SellerRig {
  readonly seller: Seller;
  readonly adapter = createSquareAdapter({ allowPrivateAddresses: true });
  readonly #clock: { nowMs: number };
  #calls = 0;

  private constructor(seller: Seller, clock: { nowMs: number }) {
    this.seller = seller;
    this.#clock = clock;
  }

  static async open(options: SellerOptions = {}): Promise<SellerRig> {
    const clock = { nowMs: Date.parse('2026-11-21T00:00:00Z') };
    const seller = await startSeller({ now: () => clock.nowMs, ...options });
    return new SellerRig(seller, clock);
  }

  async close(): Promise<void> {
    await this.adapter.close?.();
    await this.seller.server.stop();
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.#clock.nowMs += ms;
  }

  get now(): Date {
    return new Date(this.#clock.nowMs);
  }

  /** Of a call of its own, made now. */
  context(more: Partial<Context> = {}): Context {
    this.#calls += 1;
    return {
      merchantId: 'default',
      channelId: 'till',
      config: this.adapter.configSchema.parse(this.seller.config),
      credentials: this.seller.credentials,
      signal: AbortSignal.timeout(60_000),
      now: () => this.now,
      messageId: `msg_${this.#calls}`,
      readAt: this.now,
      ...more,
    };
  }

  change(sku: string, available: number): Change {
    return changeOf(sku, available, this.seller.idsOf(sku));
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
  async failure(changes: readonly Change[], more: Partial<Context> = {}): Promise<PublishFailure> {
    const result = await this.publish(changes, more);
    if (result.ok) throw new Error('the call succeeded');
    return result.failure;
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
    recordedAt: new Date('2026-11-20T23:59:00Z'),
    previous: null,
  };
}

/** SKUs S0, S1, … with so many each. */
export function skus(count: number, available: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`S${i}`, available]));
}

import type {
  Change,
  ChangeOutcome,
  PublishContext,
  PublishFailure,
  PublishResult,
} from '../../../src/channels/adapter.ts';
import { createEbayAdapter } from '../../../src/channels/ebay/adapter.ts';
import type { EbayConfig, EbayCredentials } from '../../../src/channels/ebay/settings.ts';
import {
  startAccount,
  type Account,
  type AccountOptions,
} from '../../../emulators/ebay/account.ts';
import type { JournalEntry } from '../../../emulators/emulator.ts';

type Context = PublishContext<EbayConfig, EbayCredentials>;

/** A seller's account, and an adapter that talks to eBay for it, with a clock that both read. */
export class AccountRig {
  readonly account: Account;
  readonly adapter = createEbayAdapter({ allowPrivateAddresses: true });
  readonly #clock: { nowMs: number };
  #calls = 0;

  private constructor(account: Account, clock: { nowMs: number }) {
    this.account = account;
    this.#clock = clock;
  }

  static async open(options: AccountOptions = {}): Promise<AccountRig> {
    const clock = { nowMs: Date.parse('2026-11-21T12:00:00Z') };
    const account = await startAccount({ now: () => clock.nowMs, ...options });
    return new AccountRig(account, clock);
  }

  async close(): Promise<void> {
    await this.adapter.close?.();
    await this.account.server.stop();
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.#clock.nowMs += ms;
  }

  /** Of a call of its own, made now. */
  context(more: Partial<Context> & { settings?: Partial<EbayConfig> } = {}): Context {
    const { settings, ...rest } = more;
    this.#calls += 1;
    return {
      merchantId: 'default',
      channelId: 'shop',
      config: this.adapter.configSchema.parse({ ...this.account.config, ...settings }),
      credentials: this.account.credentials,
      signal: AbortSignal.timeout(60_000),
      now: () => new Date(this.#clock.nowMs),
      messageId: `msg_${this.#calls}`,
      ...rest,
    };
  }

  change(sku: string, available: number, previous: number | null = null): Change {
    return changeOf(sku, available, this.account.idsOf(sku), previous);
  }

  publish(
    changes: readonly Change[],
    more: Partial<Context> & { settings?: Partial<EbayConfig> } = {},
  ): Promise<PublishResult> {
    return this.adapter.publish(changes, this.context(more));
  }

  /** What became of changes; throws when the call failed. */
  async outcomes(
    changes: readonly Change[],
    settings: Partial<EbayConfig> = {},
  ): Promise<readonly ChangeOutcome[]> {
    const result = await this.publish(changes, { settings });
    if (!result.ok) throw new Error(result.failure.code);
    return result.outcomes ?? [];
  }

  /** The failure of a call; throws when it succeeded. */
  async failure(
    changes: readonly Change[],
    more: Partial<Context> & { settings?: Partial<EbayConfig> } = {},
  ): Promise<PublishFailure> {
    const result = await this.publish(changes, more);
    if (result.ok) throw new Error('the call succeeded');
    return result.failure;
  }

  /** The requests whose path ends so. */
  requests(end: string): readonly JournalEntry[] {
    return this.account.server.journal.filter(({ request }) => request.path.endsWith(end));
  }
}

export function changeOf(
  sku: string,
  available: number,
  externalIds: unknown,
  previous: number | null = null,
): Change {
  return {
    storeId: 'main',
    sku,
    externalIds,
    available,
    onHand: available,
    version: 1,
    recordedAt: new Date('2026-11-20T23:59:00Z'),
    previous,
  };
}

/** SKUs S0, S1, … with so many each. */
export function skus(count: number, available: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`S${i}`, available]));
}

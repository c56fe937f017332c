import type {
  Change,
  ChangeOutcome,
  PublishContext,
  PublishFailure,
  PublishResult,
} from '../../../src/channels/adapter.ts';
import { createAmazonAdapter } from '../../../src/channels/amazon/adapter.ts';
import type { ConfirmResult } from '../../../src/channels/amazon/confirm-result.ts';
import type { AmazonConfig, AmazonCredentials } from '../../../src/channels/amazon/settings.ts';
import {
  startAccount,
  type Account,
  type AccountOptions,
} from '../../../emulators/amazon/account.ts';

type Context = PublishContext<AmazonConfig, AmazonCredentials>;

/** A seller's account, and an adapter that talks to Amazon for it, with a clock that both read. */
export class AccountRig {
  readonly account: Account;
  readonly adapter = createAmazonAdapter({ allowPrivateAddresses: true });
  readonly #clock: { nowMs: number };
  #calls = 0;

  private constructor(account: Account, clock: { nowMs: number }) {
    this.account = account;
    this.#clock = clock;
  }

  /** Quotas are a thousand times Amazon's, unless something else is said. */
  static async open(options: AccountOptions = {}): Promise<AccountRig> {
    const clock = { nowMs: Date.parse('2026-11-21T00:00:00Z') };
    const account = await startAccount({ now: () => clock.nowMs, speed: 1_000, ...options });
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

  get now(): Date {
    return new Date(this.#clock.nowMs);
  }

  /** Of a call of its own, made now. */
  context(more: Partial<Context> = {}): Context {
    this.#calls += 1;
    return {
      merchantId: 'default',
      channelId: 'amazon',
      config: this.adapter.configSchema.parse(this.account.config),
      credentials: this.account.credentials,
      signal: AbortSignal.timeout(60_000),
      now: () => this.now,
      messageId: `msg_${this.#calls}`,
      readAt: this.now,
      ...more,
    };
  }

  change(sku: string, available: number, previous: number | null = null): Change {
    return { ...changeOf(sku, available, { sku, productType: 'LUGGAGE' }), previous };
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

  /** The operation that all of the changes wait for; throws when there is none. */
  async accepted(...changes: readonly Change[]): Promise<string> {
    const names = (await this.outcomes(...changes)).map((outcome) => {
      return outcome.kind === 'accepted' ? outcome.operation : outcome.kind;
    });
    const [name] = names;
    if (name === undefined || names.some((other) => other !== name)) {
      throw new Error(`no single operation: ${names.join(', ')}`);
    }
    return name;
  }

  async confirm(operation: string, ...changes: readonly Change[]): Promise<ConfirmResult> {
    const asked = await this.adapter.confirm?.(operation, changes, this.context());
    if (asked === undefined) throw new Error('the adapter confirms nothing');
    return asked;
  }

  /** Requests that came in, by their routes. */
  get routes(): readonly string[] {
    return this.account.server.journal.map(({ request }) => `${request.method} ${request.path}`);
  }

  /** How many requests of a method went to a path that begins so. */
  count(route: string): number {
    return this.routes.filter((each) => each.startsWith(route)).length;
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

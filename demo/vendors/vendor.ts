import type { Emulator } from '../../emulators/emulator.ts';
import type { FaultPlan } from '../../emulators/fault-plan.ts';

/** A webhook as the vendor signs and sends it. */
export type Webhook = {
  readonly kind: 'webhook';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

/** How we hear of an order: by the vendor's webhook, or by an event that somebody else sends. */
export type Told = Webhook | { readonly kind: 'adjusted' };

/** Units of one SKU that a buyer orders. */
export type Line = { readonly sku: string; readonly quantity: number };

export type VendorOptions = {
  /** What the vendor's server has to sell at first, by SKU. */
  readonly stock: Readonly<Record<string, number>>;
  /** Where the vendor sends its webhooks. */
  readonly webhookUrl: string;
  /** What it signs them with. */
  readonly webhookSecret: string;
  readonly faults: FaultPlan;
};

/** A vendor's server that runs on this machine, as the demonstration needs it. */
export type Vendor = {
  readonly server: Pick<Emulator<unknown>, 'url' | 'faults' | 'journal' | 'stop'>;
  /** Of the channel that is connected to it. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly credentials: Readonly<Record<string, unknown>>;
  /** What else the channel is to have. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The external ids of a SKU's listing. */
  idsOf(sku: string): unknown;
  /** What a buyer sees there; null: nothing that is counted. */
  shown(sku: string): number | null;
  /**
   * A buyer orders and pays there: its stock goes down, and this is how we hear of it. Without it
   * nobody orders there.
   */
  readonly order?: (line: Line) => Told;
};

/** A vendor that the demonstration can start. */
export type VendorEntry = {
  /** The kind of the channel, and its id. */
  readonly kind: string;
  /** The store whose stock it sells. */
  readonly storeId: string;
  readonly start: (options: VendorOptions) => Promise<Vendor>;
};

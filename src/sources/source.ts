import { z } from 'zod';

// The port: what a source says, and how it is asked. Each kind is a folder that imports this file.

/** Quantities a source may report. */
export const reportedQuantities = [
  'onHand',
  'allocated',
  'openOrders',
  'pendingSales',
  'unavailable',
  'incoming',
] as const;

export type ReportedQuantity = (typeof reportedQuantities)[number];

/**
 * One report. `set`: the quantity is `value`; `delete`: it is gone, which is zero; `adjust`: it
 * moved by `value`, counted once for its `id`.
 */
export type SourceItem = {
  readonly id: string;
  /** Orders what belongs to one SKU, store and quantity; without it `observedAt` does. */
  readonly version?: string | undefined;
  readonly sku: string;
  readonly storeId: string;
  readonly quantity: ReportedQuantity;
  readonly op: 'set' | 'adjust' | 'delete';
  /** Units; 0 for `delete`. A `set` below zero is a book figure, and counts as zero. */
  readonly value: number;
  /** When it was so at the source. */
  readonly observedAt: Date;
  /** Ours, and never a source's: the number of the full read that did not show the figure. */
  readonly missingIn?: number | undefined;
};

/** What a figure is about. */
export type Place = Pick<SourceItem, 'sku' | 'storeId' | 'quantity'>;

/** An item that says nothing we can use, kept as it came. */
export type UnreadableItem = {
  readonly raw: unknown;
  readonly problem: string;
  /** What it is about, as far as that can be read. */
  readonly place: Place | undefined;
};

export type SourcePage = {
  readonly items: readonly SourceItem[];
  readonly unreadable: readonly UnreadableItem[];
  /** Where the next read begins, in the source's own words. */
  readonly nextWatermark: string | null;
  /** More can be read at once. */
  readonly hasMore: boolean;
  /** The page belongs to a read of everything: what no page of it shows is gone. */
  readonly isSnapshot: boolean;
};

/**
 * What a read came to. A failed one says nothing about stock.
 *
 * - `page`: what there is; without items nothing is new
 * - `expired`: the watermark is too old, everything has to be read
 * - `failed`: nothing was read; `code` is a stable word such as `timeout` or `http_500`
 */
export type SourceRead =
  | { readonly kind: 'page'; readonly page: SourcePage }
  | { readonly kind: 'expired' }
  | { readonly kind: 'failed'; readonly code: string; readonly retryAfterMs?: number | undefined };

/** What one read is given. */
export type ReadOptions = {
  /** At most so many items, where the source can be told. */
  readonly limit: number;
  /** Ends the read. */
  readonly signal: AbortSignal;
  /** The database's time just before the read: nothing it shows was observed later. */
  readonly readAt: Date;
};

/** A source for the length of one run. */
export type OpenSource = {
  /** What changed since the watermark; null: since ever. Never rejects for what the source does. */
  changesSince(watermark: string | null, options: ReadOptions): Promise<SourceRead>;
  /** Everything, page by page; `cursor` null: from the beginning. */
  snapshot?(cursor: string | null, options: ReadOptions): Promise<SourceRead>;
  /**
   * What it says of these now, for sources that are asked on demand: items that set, of these keys
   * as far as it knows them. Config has `onDemand` where a kind can do so.
   */
  current?(keys: readonly SourceKey[], options: ReadOptions): Promise<SourceRead>;
  /** A full read without any item is an answer, and not a failure. */
  readonly mayBeEmpty?: boolean;
  close?(): Promise<void>;
};

export type SourceKey = {
  readonly sku: string;
  readonly storeId: string;
  readonly quantity: ReportedQuantity;
};

/** What a source is opened with: checked against its kind's schemas before. */
export type OpenContext<Config = unknown, Credentials = unknown> = {
  readonly merchantId: string;
  readonly sourceId: string;
  readonly config: Config;
  readonly credentials: Credentials;
};

/** A kind of source. */
export type SourceKind<Config = unknown, Credentials = unknown> = {
  readonly kind: string;
  readonly configSchema: z.ZodType<Config>;
  /** Without credentials a source is given `undefined`. */
  readonly credentialsSchema: z.ZodType<Credentials>;
  /** Where credentials are sent, place by place: for another one they have to be given again. */
  credentialsGoTo(config: Config): readonly string[];
  /** Ways in which it can be read; the first is the default. None: it is only pushed to. */
  readonly modes: readonly ('delta' | 'full')[];
  /** Falls to zero are everyday at this kind: no share of them is suspicious by itself. */
  readonly zeroIsUsual?: boolean;
  /** Items of a page at most, where the source itself says nothing of it. */
  readonly batchSize?: number;
  open(context: OpenContext<Config, Credentials>): OpenSource;
  close?(): Promise<void>;
};

/** In a kind's config: the source is asked when somebody wants to know, and not by the clock. */
export const onDemand = z.boolean().optional();

/** Kinds by name. Config and credentials are what each kind's schemas gave. */
export type SourceKinds = ReadonlyMap<string, SourceKind>;

const control = /\p{Cc}/u;
const id = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine((text) => !control.test(text) && text.isWellFormed(), {
      error: 'no control characters',
    });
const placeId = id(128).refine((text) => text !== '.' && text !== '..', { error: 'no path' });
const most = 2_147_483_647;
/** Feeds write decimals; stock is counted in whole units. */
const wholeText = /^-?\d{1,10}(?:\.0+)?$/;
const units = z
  .union([z.number(), z.string().regex(wholeText).transform(Number)])
  .pipe(z.int().min(-most).max(most));

const placeSchema = z.object({
  sku: placeId,
  storeId: placeId,
  quantity: z.enum(reportedQuantities),
});

/** How an item is written in JSON. */
export const itemSchema = z
  .strictObject({
    id: id(255),
    version: z
      .union([id(255), z.int().min(0).transform(String)])
      .nullish()
      .transform((version) => version ?? undefined),
    sku: placeId,
    storeId: placeId,
    quantity: z.enum(reportedQuantities),
    op: z.enum(['set', 'adjust', 'delete']),
    value: units.nullish(),
    observedAt: z.iso.datetime({ offset: true }).transform((text) => new Date(text)),
  })
  .superRefine((item, issues) => {
    if (item.op !== 'delete' && (item.value === undefined || item.value === null)) {
      issues.addIssue({ code: 'custom', path: ['value'], message: 'a number of units' });
    }
  })
  .transform((item): SourceItem => ({
    ...item,
    value: item.op === 'delete' ? 0 : (item.value ?? 0),
  }));

/** Reads items as they came; fields that we do not know are left out. */
export function readItems(raws: readonly unknown[]): Pick<SourcePage, 'items' | 'unreadable'> {
  const items: SourceItem[] = [];
  const unreadable: UnreadableItem[] = [];
  for (const raw of raws) {
    const result = itemSchema.safeParse(knownFields(raw));
    if (result.success) items.push(result.data);
    else {
      const [issue] = result.error.issues;
      const problem = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not an item'}`;
      unreadable.push({ raw, problem, place: placeSchema.safeParse(raw).data });
    }
  }
  return { items, unreadable };
}

const fields = new Set([
  'id',
  'version',
  'sku',
  'storeId',
  'quantity',
  'op',
  'value',
  'observedAt',
]);

function knownFields(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  return Object.fromEntries(Object.entries(raw).filter(([name]) => fields.has(name)));
}

const keptSchema = z.object({ missingIn: z.int().optional() });

/** Reads items that we have kept ourselves, with what is ours in them. */
export function readKept(kept: readonly unknown[]): readonly SourceItem[] {
  return kept.flatMap((one) => {
    const { missingIn } = keptSchema.parse(one);
    return readItems([one]).items.map((item) => ({ ...item, missingIn }));
  });
}

export function failed(code: string, retryAfterMs?: number): SourceRead {
  return retryAfterMs === undefined
    ? { kind: 'failed', code }
    : { kind: 'failed', code, retryAfterMs };
}

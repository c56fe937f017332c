import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import {
  failed,
  readItems,
  type OpenSource,
  type ReadOptions,
  type SourceKey,
  type SourceRead,
} from '../source.ts';
import { OdooFailed, searchOdoo, type SearchOdoo } from './ask.ts';
import type { OdooConfig, OdooCredentials } from './kind.ts';

/** `YYYY-MM-DD HH:MM:SS` in UTC, as Odoo writes it. */
type OdooTime = string;

/**
 * Between reads the newest change seen; within one since when it reads, the quant that was read
 * last, by its number, and when its first page was read: changes may have come behind it since.
 */
type Mark = {
  readonly newest: OdooTime | null;
  readonly run?:
    | {
        readonly since: OdooTime;
        readonly until: OdooTime;
        /** A time and a number: pages went by times once, and such a read is begun again. */
        readonly after: number | readonly [OdooTime, number];
      }
    | undefined;
};

const reference = z.tuple([z.int(), z.string()]);
const quant = z.object({
  id: z.int(),
  product_id: reference,
  location_id: reference,
  quantity: z.number(),
  reserved_quantity: z.number(),
  write_date: z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/),
});
type Quant = z.infer<typeof quant>;
const product = z.object({
  id: z.int(),
  default_code: z.union([z.string(), z.literal(false)]),
  write_date: z.string(),
});

const quantFields = [
  'product_id',
  'location_id',
  'quantity',
  'reserved_quantity',
  'write_date',
] as const;
/** Quants of a page's products: each may lie in many lots. */
const mostQuants = 50_000;
/** Codes that are asked for together are those of one SKU; nobody keeps a code from being twice. */
const mostProducts = 1_000;

/**
 * Opens Odoo's quants for one run. A figure is the sum over the quants of a product at a location
 * (lots, packages, owners), so that a change of one has all of them read. Quants that Odoo has
 * deleted leave no trace in what changed: only a full read, which goes by products, shows their
 * zero.
 */
export function openQuants(
  client: HttpClient,
  config: OdooConfig,
  credentials: OdooCredentials,
): OpenSource {
  const guarded = async (
    { signal }: ReadOptions,
    read: (search: SearchOdoo) => Promise<SourceRead>,
  ): Promise<SourceRead> => {
    try {
      return await read(searchOdoo(client, config, credentials, signal));
    } catch (error) {
      if (error instanceof OdooFailed) return failed(error.code, error.retryAfterMs);
      throw error;
    }
  };
  return {
    changesSince: (watermark, options) =>
      guarded(options, (search) => readChanged(search, config, markOf(watermark), options)),
    snapshot: (cursor, options) =>
      guarded(options, (search) => readProducts(search, config, Number(cursor ?? 0), options)),
    current: (keys, options) =>
      guarded(options, (search) => readCurrent(search, config, keys, options)),
  };
}

/**
 * Reads what changed, by the quants' numbers: Odoo orders by microseconds and says seconds, so that
 * a place among the times of a second cannot be told to it.
 */
async function readChanged(
  search: SearchOdoo,
  config: OdooConfig,
  mark: Mark,
  options: ReadOptions,
): Promise<SourceRead> {
  // Our clock for Odoo's: what they differ by is less than the overlap.
  const now = odooTime(options.readAt);
  const newestNow = mark.newest === null ? null : earlier(mark.newest, now);
  const since = mark.run?.since ?? back(newestNow, config.overlapSeconds);
  const until = mark.run?.until ?? now;
  const place = mark.run?.after;
  const after = typeof place === 'number' ? place : 0;
  const changed = await search(
    {
      model: 'stock.quant',
      domain: [inLocations(config), ['write_date', '>=', since], ['id', '>', after]],
      fields: quantFields,
      order: 'id',
      limit: options.limit,
    },
    quant,
  );
  const last = changed.at(-1);
  const hasMore = changed.length === options.limit && last !== undefined;
  const newest = newestTime(changed, mark.newest);
  const next: Mark = hasMore
    ? { newest, run: { since, until, after: last.id } }
    : { newest: newest === null ? null : earlier(newest, until) };
  const ids = [...new Set(changed.map(({ product_id: [id] }) => id))];
  const items = await readFigures(search, config, ids, (parts) => {
    return newestOf(parts) ?? options.readAt;
  });
  return pageOf(items, JSON.stringify(next), hasMore, false);
}

async function readProducts(
  search: SearchOdoo,
  config: OdooConfig,
  after: number,
  options: ReadOptions,
): Promise<SourceRead> {
  const products = await search(
    {
      model: 'product.product',
      domain: [['id', '>', after]],
      fields: ['default_code', 'write_date'],
      order: 'id',
      limit: options.limit,
    },
    product,
  );
  const ids = products.map(({ id }) => id);
  const items = await readFigures(search, config, ids, () => options.readAt);
  const hasMore = products.length === options.limit;
  return pageOf(items, String(ids.at(-1) ?? after), hasMore, true);
}

async function readCurrent(
  search: SearchOdoo,
  config: OdooConfig,
  keys: readonly SourceKey[],
  options: ReadOptions,
): Promise<SourceRead> {
  const skus = [...new Set(keys.map(({ sku }) => sku))];
  const products = await search(
    {
      model: 'product.product',
      domain: [['default_code', 'in', skus]],
      fields: ['default_code', 'write_date'],
      order: 'id',
      limit: mostProducts,
    },
    product,
  );
  const ids = products.map(({ id }) => id);
  const items = await readFigures(search, config, ids, () => options.readAt);
  return pageOf(items, '', false, false);
}

/**
 * What the quants of these products add up to, at every location that is read.
 * @param observedAt of a sum: who asks for it as it is now is told so now, since a part that was
 *   deleted is in no other part's time
 */
async function readFigures(
  search: SearchOdoo,
  config: OdooConfig,
  ids: readonly number[],
  observedAt: (parts: readonly Quant[]) => Date,
): Promise<readonly unknown[]> {
  if (ids.length === 0) return [];
  const [products, quants] = await Promise.all([
    search(
      {
        model: 'product.product',
        domain: [['id', 'in', ids]],
        fields: ['default_code', 'write_date'],
        order: 'id',
        limit: ids.length,
      },
      product,
    ),
    search(
      {
        model: 'stock.quant',
        domain: [inLocations(config), ['product_id', 'in', ids]],
        fields: quantFields,
        order: 'id',
        limit: mostQuants,
      },
      quant,
    ),
  ]);
  // Cut off, a sum would be too small.
  if (quants.length === mostQuants) throw new OdooFailed('too_many_quants');
  return products.flatMap(({ id, default_code: sku }) =>
    sku === false
      ? []
      : Object.entries(config.locations).flatMap(([location, storeId]) => {
          const parts = quants.filter(
            (one) => one.product_id[0] === id && String(one.location_id[0]) === location,
          );
          return config.quantities.map((quantity) => ({
            id: `${id}@${location}`,
            sku,
            storeId,
            quantity,
            op: 'set',
            value: sumOf(parts, quantity),
            observedAt: observedAt(parts).toISOString(),
          }));
        }),
  );
}

function sumOf(parts: readonly Quant[], quantity: 'onHand' | 'allocated'): number {
  const sum = parts.reduce(
    (units, part) => units + (quantity === 'onHand' ? part.quantity : part.reserved_quantity),
    0,
  );
  // Sums of floats: 0.1 + 0.2 is no whole number, and neither is a SKU sold by weight.
  return Math.round(sum * 1e6) / 1e6;
}

/** A sum that is read because a part of it changed is as old as its newest part. */
function newestOf(parts: readonly Quant[]): Date | undefined {
  const newest = newestTime(parts, null);
  return newest === null ? undefined : dateOf(newest);
}

function newestTime(quants: readonly Quant[], before: OdooTime | null): OdooTime | null {
  return quants.reduce((at, { write_date: time }) => later(at, time), before);
}

function inLocations({ locations }: OdooConfig): unknown {
  return ['location_id', 'in', Object.keys(locations).map(Number)];
}

function pageOf(
  items: readonly unknown[],
  nextWatermark: string,
  hasMore: boolean,
  isSnapshot: boolean,
): SourceRead {
  return { kind: 'page', page: { ...readItems(items), nextWatermark, hasMore, isSnapshot } };
}

function back(newest: OdooTime | null, seconds: number): OdooTime {
  if (newest === null) return '1970-01-01 00:00:00';
  return odooTime(new Date(dateOf(newest).getTime() - seconds * 1000));
}

function odooTime(at: Date): OdooTime {
  return at.toISOString().slice(0, 19).replace('T', ' ');
}

function earlier(a: OdooTime, b: OdooTime): OdooTime {
  return a < b ? a : b;
}

function later(a: OdooTime | null, b: OdooTime): OdooTime {
  return a === null || b > a ? b : a;
}

function dateOf(text: OdooTime): Date {
  return new Date(`${text.replace(' ', 'T')}Z`);
}

function markOf(watermark: string | null): Mark {
  return watermark === null ? { newest: null } : (JSON.parse(watermark) as Mark);
}

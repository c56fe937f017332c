import { Emulator, type EmulatedAnswer, type EmulatedRequest } from '../../emulators/emulator.ts';

export type Quant = {
  readonly id: number;
  readonly product: number;
  readonly location: number;
  readonly quantity: number;
  readonly reserved: number;
  /** When it was written, to the microsecond where that matters. */
  readonly at: string;
};
type QuantsState = {
  readonly quants: Quant[];
  /** The code of each product. */
  readonly codes: [number, string][];
};

export type QuantsOdoo = Emulator<QuantsState>;

/** The part of an Odoo that is read as a source: real HTTP, with key and database checked. */
export async function startQuantsOdoo(): Promise<QuantsOdoo> {
  return await Emulator.start<QuantsState>({ initial: { quants: [], codes: [] }, handle: answer });
}

type Search = { readonly domain: readonly unknown[]; readonly order: string; limit: number };
type OdooRecord = Readonly<Record<string, unknown>>;

/** JSON-2 `search_read`, as far as sources ask it. */
function answer(request: EmulatedRequest, { quants, codes }: QuantsState): EmulatedAnswer {
  const { headers, path } = request;
  if (headers['authorization'] !== 'bearer odoo-key' || headers['x-odoo-database'] !== 'prod') {
    return { status: 401 };
  }
  const search = JSON.parse(request.body) as Search;
  if (path === '/json/2/product.product/search_read') {
    const products = codes.map(([id, code]) => ({
      id,
      default_code: code,
      at: '2026-11-01 00:00:00',
    }));
    return { status: 200, body: found(products, search) };
  }
  const records = quants.map(({ product, location, reserved, ...one }) => ({
    ...one,
    product_id: [product, 'a product'],
    location_id: [location, 'WH/Stock'],
    reserved_quantity: reserved,
  }));
  return { status: 200, body: found(records, search) };
}

/**
 * What a search finds. Odoo keeps times with microseconds and orders by them; what it sends, and
 * what a domain compares, are whole seconds.
 */
function found(
  records: readonly (OdooRecord & { readonly id: number; readonly at: string })[],
  { domain, order, limit }: Search,
): readonly OdooRecord[] {
  const sorted = records.toSorted((a, b) => {
    if (order === 'id' || a.at === b.at) return a.id - b.id;
    return a.at < b.at ? -1 : 1;
  });
  return sorted
    .map(({ at, ...one }): OdooRecord => ({ ...one, write_date: at.slice(0, 19) }))
    .filter((record) => isIn(domain, record))
    .slice(0, limit);
}

/** Whether a record is in a domain: terms in Polish notation, and all that are left over. */
function isIn(domain: readonly unknown[], record: OdooRecord): boolean {
  const stack: boolean[] = [];
  for (const term of domain.toReversed()) {
    if (typeof term === 'string') {
      const [a = false, b = false] = [stack.pop(), stack.pop()];
      stack.push(term === '|' ? a || b : a && b);
    } else stack.push(holds(term as [string, string, unknown], record));
  }
  return stack.every(Boolean);
}

function holds([field, operator, value]: [string, string, unknown], record: OdooRecord): boolean {
  const own = record[field];
  const is = (Array.isArray(own) ? own[0] : own) as string | number;
  if (operator === 'in') return (value as unknown[]).includes(is);
  const than = value as string | number;
  if (operator === '=') return is === than;
  return is > than || (operator === '>=' && is === than);
}

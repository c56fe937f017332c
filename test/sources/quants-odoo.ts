import { Emulator, type EmulatedAnswer, type EmulatedRequest } from '../../emulators/emulator.ts';

export type Quant = {
  readonly id: number;
  readonly product: number;
  readonly location: number;
  readonly quantity: number;
  readonly reserved: number;
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

/** JSON-2 `search_read`, as far as sources ask it. */
function answer(request: EmulatedRequest, { quants, codes }: QuantsState): EmulatedAnswer {
  const { headers, path } = request;
  if (headers['authorization'] !== 'bearer odoo-key' || headers['x-odoo-database'] !== 'prod') {
    return { status: 401 };
  }
  const body = JSON.parse(request.body) as { domain: unknown[]; limit: number };
  const text = JSON.stringify(body.domain);
  const ids = /\["(?:product_id|id)","in",(\[[\d,]*\])\]/.exec(text)?.[1];
  const wanted = ids === undefined ? undefined : (JSON.parse(ids) as number[]);
  if (path === '/json/2/product.product/search_read') {
    const after = Number(/\["id",">",(\d+)\]/.exec(text)?.[1] ?? 0);
    const found = codes.filter(([id]) => (wanted?.includes(id) ?? true) && id > after);
    return {
      status: 200,
      body: found
        .slice(0, body.limit)
        .map(([id, code]) => ({ id, default_code: code, write_date: '2026-11-01 00:00:00' })),
    };
  }
  const since = /\["write_date",">=","([^"]+)"\]/.exec(text)?.[1] ?? '';
  const [, newer, place] = /\["write_date",">","([^"]+)"\].*\["id",">",(\d+)\]/.exec(text) ?? [];
  const found = quants
    .filter((one) => wanted?.includes(one.product) ?? true)
    .filter((one) =>
      newer === undefined
        ? one.at >= since
        : one.at > newer || (one.at === newer && one.id > Number(place)),
    )
    .toSorted((a, b) => (a.at === b.at ? a.id - b.id : a.at < b.at ? -1 : 1));
  return {
    status: 200,
    body: found.slice(0, body.limit).map((one) => ({
      id: one.id,
      product_id: [one.product, 'a product'],
      location_id: [one.location, 'WH/Stock'],
      quantity: one.quantity,
      reserved_quantity: one.reserved,
      write_date: one.at,
    })),
  };
}

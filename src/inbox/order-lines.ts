import type { PoolClient } from 'pg';
import type { InboundLine } from '../channels/index.ts';

/** A line as it stands: what the channel wants, and what was done about it. */
export type OrderLine = {
  readonly lineId: string;
  readonly listingKey: string | null;
  readonly channelSku: string | null;
  readonly place: string | null;
  readonly wanted: number;
  /** Where it is applied; undefined: nobody knows yet. */
  readonly level: { readonly storeId: string; readonly sku: string } | undefined;
  readonly held: number;
  readonly sold: number;
};

export type OrderKey = {
  readonly merchantId: string;
  readonly channelId: string;
  readonly orderId: string;
};

type Row = {
  line_id: string;
  listing_key: string | null;
  channel_sku: string | null;
  place: string | null;
  wanted: number;
  sku: string | null;
  location_id: string | null;
  held: number;
  sold: number;
};

/** The lines of an order, in the order of their ids. */
export async function readLines(client: PoolClient, key: OrderKey): Promise<OrderLine[]> {
  const { rows } = await client.query<Row>(
    `select line_id, listing_key, channel_sku, place, wanted, sku, location_id, held, sold
     from inbound_line where merchant_id = $1 and channel_id = $2 and order_id = $3
     order by line_id`,
    [key.merchantId, key.channelId, key.orderId],
  );
  return rows.map((row) => ({
    lineId: row.line_id,
    listingKey: row.listing_key,
    channelSku: row.channel_sku,
    place: row.place,
    wanted: row.wanted,
    level:
      row.sku === null || row.location_id === null
        ? undefined
        : { storeId: row.location_id, sku: row.sku },
    held: row.held,
    sold: row.sold,
  }));
}

/** Writes lines down as they are now. */
export async function writeLines(
  client: PoolClient,
  key: OrderKey,
  lines: readonly OrderLine[],
): Promise<void> {
  await client.query(
    `insert into inbound_line (merchant_id, channel_id, order_id, line_id, listing_key,
       channel_sku, place, wanted, sku, location_id, held, sold)
     select $1, $2, $3, u.* from unnest($4::text[], $5::text[], $6::text[], $7::text[],
       $8::integer[], $9::text[], $10::text[], $11::integer[], $12::integer[]) as u
     on conflict (merchant_id, channel_id, order_id, line_id) do update
       set listing_key = excluded.listing_key, channel_sku = excluded.channel_sku,
           place = excluded.place, wanted = excluded.wanted, sku = excluded.sku,
           location_id = excluded.location_id, held = excluded.held, sold = excluded.sold`,
    [
      key.merchantId,
      key.channelId,
      key.orderId,
      lines.map((line) => line.lineId),
      lines.map((line) => line.listingKey),
      lines.map((line) => line.channelSku),
      lines.map((line) => line.place),
      lines.map((line) => line.wanted),
      lines.map((line) => line.level?.sku ?? null),
      lines.map((line) => line.level?.storeId ?? null),
      lines.map((line) => line.held),
      lines.map((line) => line.sold),
    ],
  );
}

/** Lines of one id are one line: a channel that repeats an id means the sum. */
export function mergeLines(lines: readonly InboundLine[]): readonly InboundLine[] {
  const merged = new Map<string, InboundLine>();
  for (const line of lines) {
    const known = merged.get(line.lineId);
    merged.set(line.lineId, {
      ...line,
      quantity: line.quantity + (known?.quantity ?? 0),
    });
  }
  return [...merged.values()];
}

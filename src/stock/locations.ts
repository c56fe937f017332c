import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';

export type LocationKind = 'store' | 'warehouse';

/** A location as the API shows it. */
export type LocationView = {
  readonly storeId: string;
  readonly name: string | null;
  readonly kind: LocationKind;
  readonly createdAt: string;
  readonly updatedAt: string;
};

type LocationRow = {
  location_id: string;
  name: string | null;
  kind: LocationKind;
  created_at: Date;
  updated_at: Date;
};

function toView(row: LocationRow): LocationView {
  return {
    storeId: row.location_id,
    name: row.name,
    kind: row.kind,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

/** Creates a location or changes what is given of it; says whether it is new. */
export async function putLocation(
  db: Db,
  input: {
    readonly merchantId: string;
    readonly storeId: string;
    readonly name?: string | null | undefined;
    readonly kind?: LocationKind | undefined;
  },
): Promise<{ readonly created: boolean; readonly location: LocationView }> {
  const { rows } = await sql<LocationRow & { created: boolean }>`
    insert into location as l (merchant_id, location_id, name, kind)
    values (${input.merchantId}, ${input.storeId}, ${input.name ?? null}, ${input.kind ?? 'store'})
    on conflict (merchant_id, location_id) do update
      set name = case when ${input.name !== undefined} then excluded.name else l.name end,
          kind = case when ${input.kind !== undefined} then excluded.kind else l.kind end,
          updated_at = now()
    returning l.*, xmax = 0 as created`.execute(db);
  const row = rows[0];
  if (row === undefined) throw new Error('the location was not written');
  return { created: row.created, location: toView(row) };
}

export async function getLocation(
  db: Db,
  merchantId: string,
  storeId: string,
): Promise<LocationView | undefined> {
  const row = await db
    .selectFrom('location')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('location_id', '=', storeId)
    .executeTakeFirst();
  return row === undefined ? undefined : toView(row);
}

/** Locations by id, at most `limit` after `after`. */
export async function listLocations(
  db: Db,
  filter: PageRequest & { readonly merchantId: string },
): Promise<PageOf<LocationView, string>> {
  let query = db
    .selectFrom('location')
    .selectAll()
    .where('merchant_id', '=', filter.merchantId)
    .orderBy('location_id')
    .limit(filter.limit + 1);
  if (filter.after !== undefined) query = query.where('location_id', '>', filter.after);
  const page = pageOf(await query.execute(), filter.limit, (row) => row.location_id);
  return { ...page, items: page.items.map(toView) };
}

import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { DiscoveredItem, DiscoverResult } from '../adapter.ts';
import { callSquare } from './call-square.ts';
import { readCounts } from './read-counts.ts';
import { keyOfIds, type SquareContext } from './settings.ts';

const presence = {
  id: z.string(),
  is_deleted: z.boolean().default(false),
  present_at_all_locations: z.boolean().default(true),
  present_at_location_ids: z.array(z.string()).default([]),
  absent_at_location_ids: z.array(z.string()).default([]),
};
const variationSchema = z.object({
  ...presence,
  item_variation_data: z.object({ name: z.string().nullish(), sku: z.string().nullish() }),
});
const itemSchema = z.object({
  ...presence,
  item_data: z.object({
    name: z.string().nullish(),
    variations: z.array(variationSchema).default([]),
  }),
});
const catalogSchema = z.object({
  objects: z.array(itemSchema).default([]),
  cursor: z.string().optional(),
});
const locationsSchema = z.object({
  locations: z
    .array(
      z.object({
        id: z.string(),
        name: z.string().nullish(),
        status: z.string().default('ACTIVE'),
      }),
    )
    .default([]),
});
type Variation = z.infer<typeof variationSchema>;
type Place = z.infer<typeof locationsSchema>['locations'][number];

/** Lists the variations of a page of items at each active location where they are sold. */
export async function discover(
  client: HttpClient,
  cursor: string | null,
  context: SquareContext,
): Promise<DiscoverResult> {
  const query = new URLSearchParams({ types: 'ITEM', ...(cursor === null ? {} : { cursor }) });
  const catalog = await callSquare(client, context, {
    path: `/v2/catalog/list?${query.toString()}`,
    data: catalogSchema,
  });
  if (!catalog.ok) return { ok: false, failure: catalog.failure };
  const places = await callSquare(client, context, {
    path: '/v2/locations',
    data: locationsSchema,
  });
  if (!places.ok) return { ok: false, failure: places.failure };
  const active = places.data.locations.filter(({ status }) => status === 'ACTIVE');
  const objects = catalog.data.objects.filter((item) => !item.is_deleted);
  const variations = objects.flatMap((item) => item.item_data.variations);
  const counts = await readCounts(client, context, {
    catalogObjectIds: variations.map(({ id }) => id),
    locationIds: active.map(({ id }) => id),
  });
  if (!counts.ok) return { ok: false, failure: counts.failure };
  const items = objects.flatMap(({ item_data: { name, variations: own } }) =>
    own.flatMap((variation) =>
      placesOf(variation, active).map((place) => itemOf(name, variation, place, counts.shown)),
    ),
  );
  const next = catalog.data.cursor ?? '';
  return { ok: true, items, nextCursor: next === '' ? null : next };
}

function placesOf(variation: Variation, places: readonly Place[]): readonly Place[] {
  if (variation.is_deleted) return [];
  const isEverywhere = variation.present_at_all_locations;
  const named = new Set(
    isEverywhere ? variation.absent_at_location_ids : variation.present_at_location_ids,
  );
  return places.filter(({ id }) => named.has(id) !== isEverywhere);
}

function itemOf(
  itemName: string | null | undefined,
  { id, item_variation_data: { name, sku } }: Variation,
  place: Place,
  shown: ReadonlyMap<string, number>,
): DiscoveredItem {
  const externalIds = { catalogObjectId: id, locationId: place.id };
  const title = [itemName, name].filter((part) => part).join(' ');
  return {
    externalIds,
    sku: sku ? sku : null,
    title: title === '' ? null : title,
    location: { id: place.id, name: place.name ?? null },
    quantity: shown.get(keyOfIds(externalIds)) ?? null,
  };
}

/** What the merchant of the demonstration sells: 20 SKUs with their names. */
export const shelf: readonly { readonly sku: string; readonly name: string }[] = [
  { sku: '20725', name: 'Lunch bag, red' },
  { sku: '21034', name: 'Rex cash and carry bag' },
  { sku: '21212', name: 'Cake cases, 72' },
  { sku: '21754', name: 'Home, in wood' },
  { sku: '21977', name: 'Cake cases, pink' },
  { sku: '22086', name: 'Paper chain, 50s' },
  { sku: '22197', name: 'Popcorn holder' },
  { sku: '22383', name: 'Lunch bag, suki' },
  { sku: '22411', name: 'Shopper, red retro' },
  { sku: '22423', name: 'Cakestand, 3 tiers' },
  { sku: '22457', name: 'Slate heart' },
  { sku: '22469', name: 'Heart of wicker' },
  { sku: '22720', name: 'Tins for cake, 3' },
  { sku: '22960', name: 'Jam making set' },
  { sku: '23203', name: 'Jumbo bag, vintage' },
  { sku: '23298', name: 'Spaceboy bunting' },
  { sku: '47566', name: 'Party bunting' },
  { sku: '71053', name: 'Lantern, white' },
  { sku: '84879', name: 'Bird ornament' },
  { sku: '85123A', name: 'Heart T-light holder' },
];

/** Where it stands: the warehouse sends what is sold online, the shop has a till. */
export const stores = [
  { storeId: 'warehouse', name: 'The warehouse', kind: 'warehouse' },
  { storeId: 'shop', name: 'The shop', kind: 'store' },
] as const;

export type StoreId = (typeof stores)[number]['storeId'];

/** How much of a SKU is there at first. */
export const openingStock = 40;
/** Less than this available, and some are ordered in. */
export const lowStock = 12;
/** How many come then. */
export const receiptUnits = 30;

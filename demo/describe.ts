import type { Lags } from './lags.ts';
import type { OrderCounts } from './orders.ts';
import type { Picture, VendorPicture } from './picture.ts';
import type { RunningVendor } from './run-vendors.ts';
import type { DemoService } from './service.ts';
import { shelf } from './shelf.ts';

/** Where everything is, and how to have it otherwise. */
export function describePlaces(
  { url, adminKey, logFile }: DemoService,
  vendors: readonly RunningVendor[],
): readonly string[] {
  const places = [
    ['service', url],
    ['reference', `${url}/api/docs`],
    ['metrics', `${url}/metrics`],
    ['admin key', adminKey],
    ['log', logFile],
    ...vendors.map(({ kind, server }) => [kind, server.url] as const),
  ] as const;
  const width = Math.max(...places.map(([name]) => name.length));
  return [
    'onhand, with vendors that run on this machine',
    ...places.map(([name, place]) => `  ${name.padEnd(width)}  ${place}`),
    `  an unkind vendor: npm run demo -- --faults ${vendors[0]?.kind}; Ctrl-C ends everything`,
  ];
}

/** What has happened so far, on one line. */
export function describeOrders(counts: OrderCounts, receipts: number): string {
  const places = [...counts.byPlace].map(([place, count]) => `${place} ${count}`);
  const total = [...counts.byPlace.values()].reduce((sum, count) => sum + count, 0);
  const more = [`${counts.turnedAway} turned away`, `${counts.sentTwice} told twice`];
  return `${total} orders (${places.join(', ')}), ${more.join(', ')}, ${receipts} receipts`;
}

/** How one vendor does, on one line. */
export function describeVendor(vendor: VendorPicture, lags: Lags, calls: number): string {
  const lag = lags.of(vendor.kind);
  const right = shelf.length - vendor.wrong.length;
  const parts = [
    `${vendor.kind} ${right}/${shelf.length} right`,
    ...(lag === undefined
      ? []
      : [`lag p50 ${Math.round(lag.p50Ms)} p99 ${Math.round(lag.p99Ms)} ms`]),
    `${calls} calls`,
    ...(vendor.waiting.length === 0 ? [] : [`${vendor.waiting.length} wait for its limit`]),
    ...(vendor.status === 'active' ? [] : [vendor.status]),
    ...(vendor.circuit === 'closed' ? [] : [`circuit ${vendor.circuit}`]),
  ];
  return parts.join(', ');
}

/** What the vendors show in the end: one line for each. */
export function describeEnd({ levels, vendors }: Picture): readonly string[] {
  return vendors.map(({ kind, storeId, shown, wrong, waiting }) => {
    if (wrong.length === 0) return `${kind}: all ${shelf.length} SKUs show what is available`;
    const differences = wrong.map((sku) => {
      const ours = levels.get(`${storeId} ${sku}`)?.available;
      const theirs = shown.get(sku)?.quantity;
      const why = waiting.includes(sku) ? ', and takes no more for now' : '';
      return `${sku} shows ${theirs ?? 'nothing'} and not ${ours ?? 'nothing'}${why}`;
    });
    return `${kind}: ${differences.join('; ')}`;
  });
}

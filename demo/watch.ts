import type { Api } from './api.ts';
import { describeOrders, describeVendor } from './describe.ts';
import { drawTable } from './draw-table.ts';
import { Lags } from './lags.ts';
import type { OrderCounts } from './orders.ts';
import { takePicture, type Picture } from './picture.ts';
import type { RunningVendor } from './run-vendors.ts';
import type { Screen } from './screen.ts';

/** Where nobody watches, a line is written so often. */
const lineMs = 1_000;

/** Looks from time to time, and shows what it sees. */
export type Watch = {
  look(): Promise<Picture>;
  /** So many came in. */
  receipts: number;
};

export function openWatch(about: {
  readonly api: Api;
  readonly vendors: readonly RunningVendor[];
  readonly orders: OrderCounts;
  readonly screen: Screen;
  /** What stands above the picture. */
  readonly places: readonly string[];
}): Watch {
  const { api, vendors, orders, screen, places } = about;
  const lags = new Lags();
  const calls = new Map<string, number>();
  const startedAt = performance.now();
  let saidAt = startedAt;
  const watch: Watch = {
    receipts: 0,
    async look() {
      const picture = await takePicture(api, vendors);
      lags.take(picture);
      for (const { kind, server } of vendors) {
        // Nobody reads the journal, and it would grow for ever.
        const { length } = server.journal.splice(0);
        calls.set(kind, (calls.get(kind) ?? 0) + length);
      }
      const done = describeOrders(orders, watch.receipts);
      const each = picture.vendors.map((vendor) => {
        return describeVendor(vendor, lags, calls.get(vendor.kind) ?? 0);
      });
      screen.show({
        places,
        table: (columns) => drawTable(picture, columns),
        foot: [done, ...each],
      });
      const now = performance.now();
      if (!screen.isLive && now - saidAt >= lineMs) {
        saidAt = now;
        const seconds = Math.round((now - startedAt) / 1_000);
        screen.say(`${seconds} s: ${[done, ...each].join('; ')}`);
      }
      return picture;
    },
  };
  return watch;
}

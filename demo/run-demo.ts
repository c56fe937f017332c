import { setTimeout } from 'node:timers/promises';
import { openApi, type Api } from './api.ts';
import { describeEnd, describePlaces } from './describe.ts';
import { faultsOf } from './faults.ts';
import type { DemoOptions } from './options.ts';
import { startOrders } from './orders.ts';
import { isSettled } from './picture.ts';
import { restock } from './restock.ts';
import { runVendor, type RunningVendor } from './run-vendors.ts';
import type { Screen } from './screen.ts';
import { startService, type DemoService } from './service.ts';
import { setUp } from './set-up.ts';
import { vendorEntries } from './vendors/index.ts';
import { openWatch, type Watch } from './watch.ts';

/** A picture is taken so often. */
const pictureMs = 500;
/** Before the first order a vendor that is well has figures; others are not waited for. */
const firstFiguresMs = 5_000;
/** After the last order everything is to be shown within this time. */
const settleMs = 60_000;

/**
 * Runs the demonstration until it is stopped or its seconds are over; in any case everything that
 * it started has ended then.
 * @returns the exit code: 1 when its seconds are over and a vendor shows something else than ours
 */
export async function runDemo(
  options: DemoOptions,
  screen: Screen,
  stopped: AbortSignal,
): Promise<number> {
  const { folder, port, fresh: isFresh } = options;
  screen.say('starting the service and its database …');
  const service = await startService({ folder, port, isFresh });
  const vendors: RunningVendor[] = [];
  try {
    for (const entry of vendorEntries.filter(({ kind }) => options.vendors.includes(kind))) {
      const isUnkind = options.faults.includes(entry.kind);
      vendors.push(await runVendor(entry, service.url, isUnkind));
    }
    return await play(service, vendors, { options, screen, stopped });
  } finally {
    screen.close();
    await service.stop();
    await Promise.all(vendors.map(({ server }) => server.stop()));
  }
}

type Stage = {
  readonly options: DemoOptions;
  readonly screen: Screen;
  readonly stopped: AbortSignal;
};

async function play(
  service: DemoService,
  vendors: readonly RunningVendor[],
  { options, screen, stopped }: Stage,
): Promise<number> {
  const api = openApi(service.url, service.adminKey);
  await setUp(api, vendors);
  const places = describePlaces(service, vendors);
  for (const line of places) screen.say(line);
  await firstFigures(api, vendors, stopped);
  const orders = startOrders(api, vendors, options.ordersPerSecond);
  const watch = openWatch({ api, vendors, orders: orders.counts, screen, places });
  const endsAt = performance.now() + (options.seconds ?? Infinity) * 1_000;
  try {
    while (!stopped.aborted && performance.now() < endsAt) {
      watch.receipts += await restock(api, await watch.look());
      const left = Math.max(endsAt - performance.now(), 0);
      // Rejects when it is stopped, which the loop sees by itself.
      await setTimeout(Math.min(pictureMs, left), undefined, { signal: stopped }).catch(() => null);
    }
  } finally {
    await orders.stop();
  }
  if (stopped.aborted) return 0;
  // What an unkind vendor still refuses would be tried again for minutes.
  for (const { server } of vendors) server.faults = faultsOf(false);
  return await settle(api, vendors, { screen, stopped, watch });
}

/** Nobody can buy what is not shown yet. */
async function firstFigures(
  api: Api,
  vendors: readonly RunningVendor[],
  stopped: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + firstFiguresMs;
  while (!stopped.aborted && performance.now() < deadline) {
    if (await isSettled(api, vendors)) return;
    await setTimeout(pictureMs / 5);
  }
}

/** Waits until every vendor shows what is left, and says whether it does. */
async function settle(
  api: Api,
  vendors: readonly RunningVendor[],
  { screen, stopped, watch }: Pick<Stage, 'screen' | 'stopped'> & { readonly watch: Watch },
): Promise<number> {
  const deadline = performance.now() + settleMs;
  let isDone = await isSettled(api, vendors);
  while (!isDone && !stopped.aborted && performance.now() < deadline) {
    await setTimeout(pictureMs / 2);
    await watch.look();
    isDone = await isSettled(api, vendors);
  }
  for (const line of describeEnd(await watch.look())) screen.say(line);
  return isDone ? 0 : 1;
}

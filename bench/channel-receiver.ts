import { setTimeout } from 'node:timers/promises';
import type { ChannelReport, Reached } from './receiver.ts';
import { startReceiverServer } from './service.ts';
import type { Shop } from './shop.ts';

/** The process that webhook channels of a shop send to. */
export type ChannelReceiver = {
  /** Makes a webhook channel that sends here. `stores`: only their listings; absent: all. */
  addChannel(shop: Shop, channelId: string, stores?: readonly string[]): Promise<void>;
  report(): Promise<Readonly<Record<string, ChannelReport>>>;
  /** Forgets lags and counts; what was published stays known. */
  reset(): Promise<void>;
  /** Waits until so many listings of a channel have reached a version. */
  waitFor(
    channelId: string,
    goal: { readonly version: number; readonly listings: number },
    timeoutMs: number,
  ): Promise<Reached & { readonly complete: boolean }>;
  stop(): Promise<void>;
};

export async function startReceiver(folder: string): Promise<ChannelReceiver> {
  const server = await startReceiverServer(folder);
  const ask = async <Body>(path: string, method = 'GET'): Promise<Body> => {
    const text = await (await fetch(`${server.url}${path}`, { method })).text();
    return (text === '' ? undefined : JSON.parse(text)) as Body;
  };
  return {
    async addChannel(shop, channelId, stores) {
      const url = `${server.url}/hook/${channelId}`;
      const config = { url, ...(stores === undefined ? {} : { stores }) };
      // Far above what is asked of it: the channel answers at once, and nothing else shall brake.
      const settings = { kind: 'webhook', config, rateLimitRps: 10_000 };
      await shop.call('PUT', `/api/channels/${channelId}`, settings);
    },
    report: () => ask('/report'),
    reset: () => ask('/reset', 'POST'),
    async waitFor(channelId, { version, listings }, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const reached = await ask<Reached>(`/reached/${channelId}/${version}`);
        const complete = reached.listings >= listings;
        if (complete || performance.now() > deadline) return { ...reached, complete };
        await setTimeout(100);
      }
    },
    stop: () => server.stop(),
  };
}

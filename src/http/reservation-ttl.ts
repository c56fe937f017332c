import type { Config } from '../config.ts';

/** How long a hold lasts when the request does not say it. */
export function defaultTtlSeconds(config: Config): number {
  return config.inventorySync.reservations.ttlHours * 3600;
}

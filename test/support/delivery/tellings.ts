import type { ReceivedChange } from '../../jobs/channel-server.ts';
import type { ChannelCall } from './check-deliveries.ts';

/** One change in one call. */
export type Telling = Pick<ChannelCall, 'arrivedMs' | 'takenMs' | 'acknowledgedMs'> & {
  /** `storeId sku`. */
  readonly level: string;
  readonly change: ReceivedChange;
};

/** Every change of every call, in the order in which they arrived. */
export function findTellings(calls: readonly ChannelCall[]): readonly Telling[] {
  return calls
    .toSorted((a, b) => a.arrivedMs - b.arrivedMs)
    .flatMap(({ changes, ...call }) =>
      changes.map((change) => ({ ...call, change, level: `${change.storeId} ${change.sku}` })),
    );
}

/** What two tellings have in common that say the same: the entry, or the version without one. */
function contentOf({ change }: Telling): string {
  return change.entryId ?? `version ${change.version}`;
}

function said({ level, change }: Telling, of: string): string {
  return `${level}: version ${change.version}${of}`;
}

/** Older versions that were sent after a newer one was acknowledged. In the order of arrival. */
export function wentBack(told: readonly Telling[]): string[] {
  const acknowledged = told
    .flatMap(({ acknowledgedMs: ms, change }) => (ms === undefined ? [] : [{ ms, change }]))
    .toSorted((a, b) => a.ms - b.ms);
  let next = 0;
  let newest = 0;
  return told.flatMap((telling) => {
    for (; (acknowledged[next]?.ms ?? Number.POSITIVE_INFINITY) < telling.arrivedMs; next += 1) {
      newest = Math.max(newest, acknowledged[next]?.change.version ?? 0);
    }
    return telling.change.version < newest ? [said(telling, ` after ${newest}`)] : [];
  });
}

/** Entries that were sent for the first time after one of a newer version. */
export function disordered(told: readonly Telling[]): string[] {
  const sent = new Set<string>();
  let newest = 0;
  return told.flatMap((telling) => {
    const { change } = telling;
    if (change.entryId === undefined || sent.has(change.entryId)) return [];
    sent.add(change.entryId);
    const before = newest;
    newest = Math.max(newest, change.version);
    return change.version < before ? [said(telling, ` for the first time after ${before}`)] : [];
  });
}

/** How often something was taken that had been taken before. */
export function repeats(told: readonly Telling[]): number {
  const byContent = Map.groupBy(told, contentOf);
  return [...byContent.values()].reduce((sum, same) => {
    const taken = same.reduce((count, { takenMs }) => count + takenMs.length, 0);
    return sum + Math.max(0, taken - 1);
  }, 0);
}

/** What the channel shows when it ignores versions that are older than what it has. */
export function shownAtEnd(told: readonly Telling[]): ReceivedChange | undefined {
  const takings = told
    .flatMap(({ takenMs, change }) => takenMs.map((ms) => ({ ms, change })))
    .toSorted((a, b) => a.ms - b.ms);
  let shown: ReceivedChange | undefined;
  for (const { change } of takings) if (change.version >= (shown?.version ?? 0)) shown = change;
  return shown;
}

import type { ReceivedMessage } from '../../jobs/channel-server.ts';
import {
  levelsOf,
  nothing,
  replayLedger,
  ttlsOf,
  type Evidence,
  type History,
  type LedgerRow,
  type Story,
} from '../history/index.ts';
import {
  disordered,
  findTellings,
  repeats,
  shownAtEnd,
  wentBack,
  type Telling,
} from './tellings.ts';
import { showableIn, unlikeLedger } from './unlike-ledger.ts';

/** One call of a channel, as the channel saw it. */
export type ChannelCall = Pick<
  ReceivedMessage,
  'id' | 'changes' | 'arrivedMs' | 'takenMs' | 'acknowledgedMs'
>;

/** What was found. All but `duplicates` must be empty. */
export type Deliveries = {
  /** What the channel was never told of: a level's newest version, or an entry (in `every`). */
  readonly lost: readonly string[];
  /** What was sent and does not stand in the ledger so. */
  readonly unexpected: readonly string[];
  /**
   * An older version that was sent after a newer one was acknowledged. In `every` mode entries are
   * repeated from the first that is not known to have arrived; there it is an entry that was sent
   * for the first time after a newer one was.
   */
  readonly wentBack: readonly string[];
  /** Listings that do not show what is available in the end. */
  readonly wrongAtEnd: readonly string[];
  /** How often a channel took what it had taken before. */
  readonly duplicates: number;
};

export type DeliveryRules = {
  readonly mode: 'latest' | 'every';
  /** Says which levels to look at, and how long holds last: one that has ended is free. */
  readonly history: History;
  /** The channel's own changes are not told to it in `every` mode. */
  readonly channelId: string;
  /** How far the channel's clock and the database's may be apart. */
  readonly clockSlackMs?: number;
};

/**
 * Compares what a channel that gets every level was sent since before the history began with what
 * the ledger says when deliveries have settled.
 */
export function checkDeliveries(
  calls: readonly ChannelCall[],
  evidence: Evidence,
  rules: DeliveryRules,
): Deliveries {
  const { mode, history, clockSlackMs = 500 } = rules;
  const names = new Set(history.operations.flatMap(({ asked }) => [...levelsOf(asked).keys()]));
  const { stories } = replayLedger(evidence, names, ttlsOf(history.operations));
  const tellings = findTellings(calls).filter(({ level }) => names.has(level));
  const byLevel = Map.groupBy(tellings, ({ level }) => level);
  const entries = new Map(evidence.entries.map((entry) => [entry.entryId, entry]));
  const levels = [...stories].map(([level, story]) => ({
    story,
    told: byLevel.get(level) ?? [],
  }));
  const mine = evidence.entries.filter(({ storeId, sku }) => names.has(`${storeId} ${sku}`));
  const others = mine.filter(({ sourceChannel }) => sourceChannel !== rules.channelId);
  return {
    lost:
      mode === 'every' ? neverTold(others, tellings) : levels.flatMap((level) => notNewest(level)),
    unexpected: tellings.flatMap((telling) => {
      const story = stories.get(telling.level);
      const what = unlikeLedger(telling, { story, entries, slackMs: clockSlackMs });
      return what === undefined ? [] : [what];
    }),
    wentBack: levels.flatMap(({ told }) => (mode === 'every' ? disordered(told) : wentBack(told))),
    wrongAtEnd: levels.flatMap((level) => wrongAtEnd(level, evidence.readAtMs)),
    duplicates: levels.reduce((sum, { told }) => sum + repeats(told), 0),
  };
}

type LevelTold = { readonly story: Story; readonly told: readonly Telling[] };

function newestOf({ steps }: Story) {
  return steps.at(-1)?.after ?? nothing;
}

function notNewest({ story, told }: LevelTold): string[] {
  const { version } = newestOf(story);
  const shown = shownAtEnd(told)?.version ?? 0;
  return shown < version ? [`${story.level}: version ${shown} of ${version}`] : [];
}

function neverTold(due: readonly LedgerRow[], tellings: readonly Telling[]): string[] {
  const taken = new Set(
    tellings.flatMap(({ takenMs, change }) => (takenMs.length > 0 ? [change.entryId] : [])),
  );
  return due
    .filter(({ entryId }) => !taken.has(entryId))
    .map(({ entryId, storeId, sku, version }) => `${entryId}: ${storeId} ${sku}: ${version}`);
}

function wrongAtEnd({ story, told }: LevelTold, atMs: number): string[] {
  const state = newestOf(story);
  const shown = shownAtEnd(told)?.available;
  const due = showableIn(state, atMs, atMs)[0];
  if (shown === due || state.version === 0) return [];
  return [`${story.level}: shows ${shown}, available are ${due}`];
}

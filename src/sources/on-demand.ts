import { randomUUID } from 'node:crypto';
import { newId } from '../ids.ts';
import { applyPage } from './apply-page.ts';
import type { SourcesContext } from './context.ts';
import { databaseNow, findSource, guardsOf, openCredentials } from './source-row.ts';
import type { ReadOptions, SourceItem, SourceKey } from './source.ts';

/** What a source is asked for. */
export type Question = SourceKey & { readonly merchantId: string; readonly sourceId: string };

/**
 * What became of a question. `asked`: the source answered just now, or within the time that
 * answers are kept, and its figure is stored. `lastKnown`: it did not; what was stored holds.
 */
export type AskState = 'asked' | 'lastKnown';

export type OnDemandOptions = {
  /** Whoever asks waits so long at most, in ms. */
  readonly timeoutMs: number;
  /** An answer is kept for so long, in seconds. */
  readonly keepSeconds: number;
};

/** Asks sources that are asked on demand. */
export type OnDemand = {
  /** Asks all of these at the same time; answers in their order. Never rejects for a source. */
  ask(questions: readonly Question[]): Promise<readonly AskState[]>;
};

/** A source that does not answer is left alone for so long at most, in seconds. */
const failureSeconds = 5;
/** So many answers are remembered before those that are out of date leave. */
const mostFlights = 10_000;

type Flight = {
  /** By `performance.now()`; undefined: under way. */
  keptUntil: number | undefined;
  readonly state: Promise<AskState>;
};

/**
 * One flight for each key however many ask: who comes while it is under way shares it, and who
 * comes while its answer is kept has it at once. What a source answers is applied as any report is,
 * by ownership, newest version and guards, with what was recorded since on top: figures that a
 * customer sees, the ledger and the channels are the same ones.
 */
export function createOnDemand(context: SourcesContext, options: OnDemandOptions): OnDemand {
  const flights = new Map<string, Flight>();
  return {
    async ask(questions) {
      const fresh = questions.filter((question) => !isKept(flights.get(idOf(question))));
      const sources = Map.groupBy(fresh, (question) =>
        JSON.stringify([question.merchantId, question.sourceId]),
      );
      for (const group of sources.values()) startFlight(context, options, flights, group);
      if (flights.size > mostFlights) forgetOld(flights);
      return await Promise.all(
        questions.map((question) => inTime(flights.get(idOf(question))?.state, options.timeoutMs)),
      );
    },
  };
}

function idOf({ merchantId, sourceId, sku, storeId, quantity }: Question): string {
  return JSON.stringify([merchantId, sourceId, sku, storeId, quantity]);
}

function isKept(flight: Flight | undefined): boolean {
  if (flight === undefined) return false;
  return flight.keptUntil === undefined || performance.now() < flight.keptUntil;
}

function forgetOld(flights: Map<string, Flight>): void {
  for (const [id, flight] of flights) if (!isKept(flight)) flights.delete(id);
}

/** Keys of one source that are asked for together are one call. */
function startFlight(
  context: SourcesContext,
  options: OnDemandOptions,
  flights: Map<string, Flight>,
  questions: readonly Question[],
): void {
  const answers = askSource(context, options, questions).catch(() => new Set<string>());
  for (const question of questions) {
    const id = idOf(question);
    const flight: Flight = {
      keptUntil: undefined,
      state: answers.then((answered) => {
        const isAnswered = answered.has(keyId(question));
        const { keepSeconds } = options;
        const seconds = isAnswered ? keepSeconds : Math.min(keepSeconds, failureSeconds);
        flight.keptUntil = performance.now() + seconds * 1000;
        return isAnswered ? 'asked' : 'lastKnown';
      }),
    };
    flights.set(id, flight);
  }
}

async function inTime(state: Promise<AskState> | undefined, timeoutMs: number): Promise<AskState> {
  if (state === undefined) return 'lastKnown';
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<AskState>((resolve) => {
    timer = setTimeout(() => resolve('lastKnown'), timeoutMs);
  });
  try {
    return await Promise.race([state, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks one source and stores what it says. Returns the keys that it answered. */
async function askSource(
  context: SourcesContext,
  { timeoutMs }: OnDemandOptions,
  questions: readonly Question[],
): Promise<ReadonlySet<string>> {
  const [first] = questions;
  const nothing = new Set<string>();
  if (first === undefined) return nothing;
  const { db, kinds, secretBox, clock } = context;
  const { merchantId, sourceId } = first;
  const row = await findSource(db, merchantId, sourceId);
  const kind = row && kinds.get(row.kind);
  if (row === undefined || kind === undefined || !row.enabled) return nothing;
  const source = kind.open({
    merchantId,
    sourceId,
    config: row.config,
    credentials: openCredentials(row, secretBox),
  });
  try {
    const readAt = await databaseNow(db, clock.offsetMs);
    const reading: ReadOptions = {
      limit: questions.length,
      signal: AbortSignal.timeout(timeoutMs),
      readAt,
    };
    const read = await source.current?.(questions, reading);
    if (read?.kind !== 'page') return nothing;
    const wanted = new Set(questions.map(keyId));
    const items = read.page.items.filter((item) => item.op !== 'adjust' && wanted.has(keyId(item)));
    await takeAnswer(context, first, items, {
      readAt,
      guards: { ...guardsOf(row, kind), massZeroPercent: 100 },
    });
    return new Set(items.map(keyId));
  } finally {
    await source.close?.();
  }
}

/** A single SKU that sold out is no mass fall to zero, so that guard does not hold here. */
async function takeAnswer(
  { together, settings, events }: SourcesContext,
  { merchantId, sourceId }: Question,
  items: readonly SourceItem[],
  page: Pick<Parameters<typeof applyPage>[1], 'readAt' | 'guards'>,
): Promise<void> {
  if (items.length === 0) return;
  const runId = newId('run');
  const { fresh, refused } = await applyPage(together, {
    merchantId,
    sourceId,
    runId,
    token: randomUUID(),
    items,
    unreadable: [],
    deduplicate: settings.deduplication,
    origin: 'page',
    ...page,
  });
  for (const [code, count] of refused) {
    events.onRefused?.({ merchantId, sourceId, code, items: count });
  }
  if (fresh > 0) {
    events.onAlert?.({ kind: 'quarantine', merchantId, sourceId, runId, quarantined: fresh });
  }
}

function keyId({ sku, storeId, quantity }: SourceKey): string {
  return JSON.stringify([sku, storeId, quantity]);
}

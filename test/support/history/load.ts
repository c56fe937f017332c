import { callOf, type Call } from './call.ts';
import { nameOf, type History, type LevelName, type Operation } from './operation.ts';
import { openPlanner, type Planner } from './planner.ts';
import { randomFrom, type Random } from './random.ts';
import { send, sendTwice, type Sender } from './send.ts';

export type LoadOptions = {
  /**
   * URLs of the services at this moment. Called for every request: a service that was killed and
   * started again elsewhere is found.
   */
  readonly targets: () => readonly string[];
  readonly apiKey: string;
  readonly seed: number;
  /** How many clients work at the same time, each doing one thing after the other. */
  readonly clients: number;
  /** When to stop by itself: after so many requests. Absent: when `stop` is called. */
  readonly requests?: number;
  /** How many SKUs there are at each store; 8 by default. */
  readonly skus?: number;
  readonly stores?: readonly string[];
  /** Stock of each level at the beginning; 40 by default. */
  readonly opening?: number;
  /** A request that takes longer has no answer; 10 s by default. */
  readonly requestTimeoutMs?: number;
  /** How long what has no answer is sent again; 90 s by default. */
  readonly settleTimeoutMs?: number;
  /**
   * Whether some bulk requests have a key of their own; true by default. Such a key is claimed
   * first, and a process that is killed then leaves the claim behind for a minute: for as long
   * its repeat has no answer.
   */
  readonly claims?: boolean;
};

export type Load = {
  /** Requests that were answered so far. */
  readonly answered: number;
  /** Changes that were answered with success so far: what shows that a service works again. */
  readonly succeeded: number;
  /** Requests that had at least one attempt without an answer, as far as they are settled. */
  readonly unknown: number;
  /** When the first success of a change that began at or after a moment came, if one did. */
  firstSuccessSince(ms: number): number | undefined;
  /** No client begins anything new; what is under way is settled. */
  stop(): void;
  readonly finished: Promise<History>;
};

/** Runs a load to its end: see `startLoad`. */
export function runLoad(options: LoadOptions & { readonly requests: number }): Promise<History> {
  return startLoad(options).finished;
}

/**
 * Starts clients that change stock and read it in all ways, by chance that follows from the seed,
 * and writes down what they asked and were told. What has no answer is settled by sending its key
 * again. Makes its stores and its opening stock first; levels are new ones for every load.
 */
export function startLoad(options: LoadOptions): Load {
  const { seed, clients, skus = 8, stores = ['main', 'north'], opening = 40 } = options;
  const run = `l${seed.toString(36)}${Math.floor(performance.now()).toString(36)}`;
  const levels = Array.from({ length: skus }, (_, index) => `${run}-sku-${index}`).flatMap((sku) =>
    stores.map((storeId): LevelName => ({ storeId, sku })),
  );
  const [first, ...rest] = levels;
  if (first === undefined) throw new Error('a load needs a level');
  const sender: Sender = {
    targets: options.targets,
    apiKey: options.apiKey,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    settleTimeoutMs: options.settleTimeoutMs ?? 90_000,
  };
  const recorder = openRecorder();
  const state = { begun: 0, stopped: false };
  const work = async (client: number): Promise<void> => {
    const random = randomFrom(seed + client * 7_919);
    const planner = openPlanner({
      client,
      levels: [first, ...rest],
      seen: recorder.seen,
      random,
      run,
      claims: options.claims ?? true,
    });
    while (!state.stopped && state.begun < (options.requests ?? Number.POSITIVE_INFINITY)) {
      state.begun += 1;
      await recorder.note(client, planner, planner.next(), sender, random);
    }
  };
  const finished = (async (): Promise<History> => {
    await putStores(stores, sender);
    await Promise.all(
      levels.map((level, index) => {
        const asked = { kind: 'set', level, onHand: opening } as const;
        const call = callOf({ id: `${run}-open-${index}`, asked, hasKey: true });
        return recorder.note(clients + index, undefined, call, sender);
      }),
    );
    await Promise.all(Array.from({ length: clients }, (_, client) => work(client)));
    return { seed, operations: recorder.operations };
  })();
  return {
    get answered() {
      return recorder.answered;
    },
    get succeeded() {
      return recorder.successes.length;
    },
    get unknown() {
      return recorder.unknown;
    },
    firstSuccessSince: (ms) => recorder.successes.find(({ startMs }) => startMs >= ms)?.endMs,
    stop() {
      state.stopped = true;
    },
    finished,
  };
}

async function putStores(stores: readonly string[], { targets, apiKey }: Sender): Promise<void> {
  for (const storeId of stores) {
    const response = await fetch(`${targets()[0]}/api/stores/${storeId}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: '{}',
    });
    if (!response.ok) throw new Error(`no store: ${response.status} ${await response.text()}`);
  }
}

/** Sends requests and keeps what became of them. */
function openRecorder() {
  const operations: Operation[] = [];
  const seen = new Map<string, number>();
  const successes: { startMs: number; endMs: number }[] = [];
  const counts = { answered: 0, unknown: 0 };
  const note = async (
    client: number,
    planner: Planner | undefined,
    call: Call,
    sender: Sender,
    random?: Random,
  ): Promise<void> => {
    const canRepeat = call.parts.every(({ hasKey }) => hasKey);
    const twice = canRepeat && random?.chance(0.08) === true;
    const { answer, outcomes, ...sent } = await (twice ? sendTwice : send)(call, client, sender);
    if (answer !== undefined) counts.answered += 1;
    if (sent.unknownAttempts > 0) counts.unknown += 1;
    for (const [index, part] of call.parts.entries()) {
      const outcome = outcomes[index] ?? { kind: 'unknown', why: 'not in the answer' };
      const bulk = call.bulk === undefined ? {} : { bulk: call.bulk };
      operations.push({ client, ...part, ...sent, ...bulk, outcome });
      planner?.learn(part, outcome);
      if (outcome.kind !== 'ok') continue;
      for (const level of outcome.shown) {
        const name = nameOf(level);
        seen.set(name, Math.max(seen.get(name) ?? 0, level.version));
      }
      if (part.asked.kind !== 'read') successes.push(sent);
    }
  };
  return {
    operations,
    seen,
    successes,
    note,
    get answered() {
      return counts.answered;
    },
    get unknown() {
      return counts.unknown;
    },
  };
}

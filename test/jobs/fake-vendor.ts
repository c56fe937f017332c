import { request } from 'undici';
import { z } from 'zod';
import type {
  AdapterContext,
  Capabilities,
  Change,
  ChangeOutcome,
  ChannelAdapter,
  Confirmation,
  PublishFailure,
  PublishResult,
} from '../../src/channels/index.ts';
import { Emulator, type EmulatedAnswer, type EmulatedRequest } from '../../emulators/emulator.ts';

/** One listing's part of a call, as the vendor's wire has it. */
type WireChange = { readonly id: string; readonly quantity: number; readonly from: number | null };
type Outcome = ChangeOutcome;

export type VendorState = {
  /** What it shows. */
  shown: Record<string, number>;
  /** Every figure it took, in order. */
  writes: { readonly id: string; readonly quantity: number }[];
  keys: Record<string, { readonly content: string; readonly outcomes: readonly Outcome[] }>;
  /** Keys that came with other content than before: a violation. */
  mismatches: string[];
  /** Calls that were repeated with their key and content. */
  replays: number;
  /** Takes changes without applying them, until they are released. */
  isAccepting: boolean;
  isReleasing: boolean;
  operations: Record<string, { readonly changes: readonly WireChange[]; polls: number }>;
  pollAfterMs: number | null;
  /** So many calls are answered with 429. */
  throttled: number;
  throttleMs: number;
  /** Said with each answer. */
  nextCallInMs: number | null;
  /** Said with each answer: a call ended before all of it was done. */
  failure: PublishFailure | null;
  /** By id: what it says instead of taking a change, once for each. */
  instead: Record<string, Outcome[]>;
};

export type Vendor = Emulator<VendorState>;

const initial: VendorState = {
  shown: {},
  writes: [],
  keys: {},
  mismatches: [],
  replays: 0,
  isAccepting: false,
  isReleasing: false,
  operations: {},
  pollAfterMs: null,
  throttled: 0,
  throttleMs: 100,
  nextCallInMs: null,
  failure: null,
  instead: {},
};

/** A vendor with an idempotency store, compare-and-set, and operations that are applied later. */
export function startVendor(): Promise<Vendor> {
  return Emulator.start({ initial, handle });
}

function handle(incoming: EmulatedRequest, state: VendorState): EmulatedAnswer {
  if (incoming.headers['authorization'] === undefined) return { status: 401 };
  if (incoming.method === 'GET') return answerPoll(incoming.path.split('/').at(-1) ?? '', state);
  if (state.throttled > 0) {
    state.throttled -= 1;
    return { status: 429, body: { waitMs: state.throttleMs } };
  }
  const key = incoming.headers['idempotency-key'] ?? '';
  const known = state.keys[key];
  if (known !== undefined && known.content !== incoming.body) {
    state.mismatches.push(key);
    return { status: 422 };
  }
  if (known !== undefined) state.replays += 1;
  const { changes } = JSON.parse(incoming.body) as { changes: WireChange[] };
  const outcomes = known?.outcomes ?? take(changes, state);
  if (key !== '') state.keys[key] = { content: incoming.body, outcomes };
  return {
    status: 200,
    body: { outcomes, nextCallInMs: state.nextCallInMs, failure: state.failure },
  };
}

function take(changes: readonly WireChange[], state: VendorState): Outcome[] {
  if (state.isAccepting) {
    const operation = `op-${Object.keys(state.operations).length + 1}`;
    state.operations[operation] = { changes, polls: 0 };
    return changes.map(() => ({ kind: 'accepted', operation }));
  }
  return changes.map((change) => state.instead[change.id]?.shift() ?? apply(change, state));
}

function apply({ id, quantity, from }: WireChange, state: VendorState): Outcome {
  const shown = state.shown[id] ?? 0;
  if (from !== null && shown !== from) return { kind: 'stale', observed: shown };
  state.shown[id] = quantity;
  state.writes.push({ id, quantity });
  return { kind: shown === quantity ? 'unchanged' : 'applied' };
}

function answerPoll(name: string, state: VendorState): EmulatedAnswer {
  const operation = state.operations[name];
  if (operation === undefined) return { status: 404 };
  operation.polls += 1;
  if (!state.isReleasing) {
    const retryAfterMs = state.pollAfterMs ?? undefined;
    return { status: 200, body: { kind: 'pending', retryAfterMs } };
  }
  const outcomes = operation.changes.map(
    (change) => state.instead[change.id]?.shift() ?? apply(change, state),
  );
  return { status: 200, body: { kind: 'done', outcomes } };
}

type Config = { readonly baseUrl: string };
type Credentials = { readonly token: string };
type Context = AdapterContext<Config, Credentials>;
type VendorAdapter = ChannelAdapter<Config, Credentials>;

const capabilities: Capabilities = {
  compareAndSet: true,
  idempotency: 'header',
  results: 'item',
  rateModel: 'calls',
};

/** The adapter for it; `sku` is the vendor's id. */
export function vendorAdapter(
  more: Partial<Pick<VendorAdapter, 'maxBatch'>> & { capabilities?: Partial<Capabilities> } = {},
): ChannelAdapter {
  const adapter: VendorAdapter = {
    kind: 'vendor',
    maxBatch: more.maxBatch ?? 50,
    capabilities: { ...capabilities, ...more.capabilities },
    configSchema: z.strictObject({ baseUrl: z.string() }),
    credentialsSchema: z.strictObject({ token: z.string() }),
    selects: () => ({ kind: 'all' }),
    address: ({ baseUrl }) => baseUrl,
    publish: (changes, context) =>
      call(context, 'POST', '/quantities', {
        key: context.messageId,
        isRepeated: context.isRepeated,
        body: { changes: changes.map(wireOf) },
      }),
    async confirm(operation, _changes, context) {
      const answer = await call(context, 'GET', `/operations/${operation}`);
      if (!answer.ok) return { kind: 'failed', failure: answer.failure };
      return answer.body as Confirmation;
    },
    verify: async (context) => {
      const answer = await call(context, 'GET', '/operations/none');
      const isKnown = !answer.ok && answer.failure.httpStatus === 404;
      return isKnown ? { ok: true, httpStatus: 200 } : answer;
    },
  };
  return adapter;
}

function wireOf({ sku, available, previous }: Change): WireChange {
  return { id: sku, quantity: available, from: previous };
}

type Answer = PublishResult & { readonly body?: unknown };

async function call(
  { config, credentials, signal }: Context,
  method: 'GET' | 'POST',
  path: string,
  post?: { readonly key: string; readonly isRepeated: boolean | undefined; readonly body: unknown },
): Promise<Answer> {
  try {
    const { statusCode: httpStatus, body } = await request(`${config.baseUrl}${path}`, {
      method,
      signal,
      headers: {
        authorization: `Bearer ${credentials.token}`,
        ...(post === undefined
          ? {}
          : { 'idempotency-key': post.key, 'x-is-repeated': String(post.isRepeated) }),
      },
      ...(post === undefined ? {} : { body: JSON.stringify(post.body) }),
    });
    const answer = (await body.json()) as {
      outcomes?: readonly Outcome[];
      nextCallInMs?: number | null;
      failure?: PublishFailure | null;
      waitMs?: number;
    };
    if (httpStatus === 429) {
      const failure = {
        code: 'throttled',
        httpStatus,
        scope: 'channel',
        isThrottled: true,
      } as const;
      const wait = answer.waitMs === undefined ? {} : { retryAfterMs: answer.waitMs };
      return { ok: false, failure: { ...failure, ...wait, isNotDone: true } };
    }
    if (httpStatus >= 400) {
      const scope = httpStatus >= 500 ? 'channel' : 'request';
      return { ok: false, failure: { code: `http_${httpStatus}`, httpStatus, scope } };
    }
    const { outcomes, nextCallInMs, failure } = answer;
    return {
      ok: true,
      httpStatus,
      body: answer,
      ...(outcomes === undefined ? {} : { outcomes }),
      ...(typeof nextCallInMs === 'number' ? { nextCallInMs } : {}),
      ...(failure ? { failure } : {}),
    };
  } catch {
    return { ok: false, failure: { code: 'network', scope: 'channel' } };
  }
}

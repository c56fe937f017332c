import { Emulator, type EmulatedAnswer, type EmulatedRequest } from '../../emulators/emulator.ts';

/** An item as it goes over the wire. */
export type FeedItem = {
  readonly id: string;
  readonly version?: string;
  readonly sku: string;
  readonly storeId: string;
  readonly quantity: string;
  readonly op: 'set' | 'adjust' | 'delete';
  readonly value?: number;
  readonly observedAt: string;
};

export type FeedState = {
  /** Every change, oldest first: a cursor is a place in this list. */
  changes: FeedItem[];
  /** What a full read shows. */
  figures: FeedItem[];
  /** Cursors before this place are too old. */
  oldest: number;
};

/** How the feed treats what it gives out; all of it is allowed by the contract. */
export type FeedHabits = {
  /** Makes a page of what lies behind a cursor. */
  shape: (items: readonly FeedItem[]) => FeedItem[];
  /** Answers a request in its own way; undefined: as ever. */
  instead: (query: URLSearchParams) => EmulatedAnswer | undefined;
};

export type FeedServer = Emulator<FeedState> & { readonly habits: FeedHabits };

/**
 * A delta feed as a merchant would run one: real HTTP, opaque cursors, 410 for those that are too
 * old, a full read. Its habits and the emulator's faults make it duplicate, reorder, drop and fail.
 */
export async function startFeedServer(): Promise<FeedServer> {
  const habits: FeedHabits = { shape: (items) => [...items], instead: () => undefined };
  const emulator = await Emulator.start<FeedState>({
    initial: { changes: [], figures: [], oldest: 0 },
    handle: (request, state) => answer(request, state, habits),
  });
  return Object.assign(emulator, { habits });
}

function answer({ query }: EmulatedRequest, state: FeedState, habits: FeedHabits): EmulatedAnswer {
  const own = habits.instead(query);
  if (own !== undefined) return own;
  const limit = Number(query.get('limit') ?? 100);
  const cursor = query.get('cursor');
  if (query.get('snapshot') === 'true') return snapshotPage(state, habits, cursor, limit);
  const from = cursor === null ? 0 : Number(/^c(\d+)$/.exec(cursor)?.[1] ?? Number.NaN);
  if (!(from >= state.oldest)) return { status: 410 };
  const until = Math.min(from + limit, state.changes.length);
  return {
    status: 200,
    body: {
      items: habits.shape(state.changes.slice(from, until)),
      nextCursor: `c${until}`,
      hasMore: until < state.changes.length,
      snapshot: false,
    },
  };
}

function snapshotPage(
  state: FeedState,
  habits: FeedHabits,
  cursor: string | null,
  limit: number,
): EmulatedAnswer {
  // The cursor behind a full read is that of the changes when it began.
  const [, place = '0', end = String(state.changes.length)] =
    /^s(\d+)\/(\d+)$/.exec(cursor ?? '') ?? [];
  const from = Number(place);
  const until = Math.min(from + limit, state.figures.length);
  const hasMore = until < state.figures.length;
  return {
    status: 200,
    body: {
      items: habits.shape(state.figures.slice(from, until)),
      nextCursor: hasMore ? `s${until}/${end}` : `c${end}`,
      hasMore,
      snapshot: true,
    },
  };
}

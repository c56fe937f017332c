import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import { retryAfterMs } from '../../retry-after.ts';
import {
  failed,
  readItems,
  type OpenSource,
  type ReadOptions,
  type SourceKey,
  type SourceRead,
} from '../source.ts';
import type { SquareConfig, SquareCredentials } from './kind.ts';

const squareVersion = '2025-08-20';
const countsPath = '/v2/inventory/counts/batch-retrieve';
const mostCounts = 1_000;
/** Square does not say when a cursor expires: one that is older than this is not sent. */
const cursorLastsMs = 180_000;

/**
 * `newest`: the newest time of calculation seen. Within a read: Square's own cursor, when it was
 * given, and when the first page was read: counts may have come behind that since.
 */
type Mark = {
  readonly newest: string | null;
  readonly run?:
    | {
        readonly since: string | null;
        readonly until: string;
        readonly cursor: string;
        /** Absent: nobody wrote it down, it is old. */
        readonly at?: string | undefined;
      }
    | undefined;
};

/** Where a read stands; without a cursor at its first page. */
type Place = {
  readonly since: string | null;
  readonly until: string;
  readonly cursor: string | undefined;
};

const countsAnswer = z.object({
  counts: z
    .array(
      z.object({
        catalog_object_id: z.string(),
        location_id: z.string(),
        state: z.string().optional(),
        quantity: z.string(),
        calculated_at: z.string(),
      }),
    )
    .default([]),
  cursor: z.string().optional(),
});
type Counts = z.infer<typeof countsAnswer>['counts'];
const catalogAnswer = z.object({
  objects: z
    .array(
      z.object({
        id: z.string(),
        item_variation_data: z.object({ sku: z.string().optional() }).optional(),
      }),
    )
    .default([]),
});

/** Opens Square's counts for one run: those calculated since, or all of them. */
export function openCounts(
  client: HttpClient,
  config: SquareConfig,
  credentials: SquareCredentials,
): OpenSource {
  const skus = new Map<string, string | undefined>();
  const post = async (path: string, body: unknown, signal: AbortSignal): Promise<unknown> => {
    const answer = await client.request({
      method: 'POST',
      url: new URL(path, config.baseUrl).href,
      headers: {
        authorization: `Bearer ${credentials.accessToken}`,
        'content-type': 'application/json',
        'square-version': squareVersion,
        'user-agent': 'onhand',
      },
      body: JSON.stringify(body),
      signal,
    });
    if (!answer.ok) throw new ReadFailed(answer.code);
    if (answer.status !== 200) {
      const wait = retryAfterMs(answer.headers['retry-after'], new Date());
      throw new ReadFailed(`http_${answer.status}`, answer.status === 429 ? wait : undefined);
    }
    try {
      return JSON.parse(answer.text);
    } catch {
      throw new ReadFailed('invalid_response');
    }
  };
  const nameSkus = async (ids: readonly string[], signal: AbortSignal): Promise<void> => {
    const unknown = [...new Set(ids)].filter((id) => !skus.has(id));
    if (unknown.length === 0) return;
    const body = { object_ids: unknown };
    const answer = checked(catalogAnswer, await post('/v2/catalog/batch-retrieve', body, signal));
    for (const id of unknown) skus.set(id, undefined);
    for (const object of answer.objects) skus.set(object.id, object.item_variation_data?.sku);
  };
  const itemsOf = (counts: Counts) =>
    readItems(
      counts.map((count) => ({
        id: `${count.catalog_object_id}@${count.location_id}`,
        // A variation without SKU is shown among the unreadable ones, by its id.
        sku: skus.get(count.catalog_object_id),
        storeId: config.locations[count.location_id],
        quantity: 'onHand',
        op: 'set',
        value: count.quantity,
        observedAt: count.calculated_at,
      })),
    );
  const readCounts = async (
    { since, cursor }: Pick<Place, 'since' | 'cursor'>,
    { limit, signal }: ReadOptions,
  ) => {
    const body = {
      location_ids: Object.keys(config.locations),
      states: ['IN_STOCK'],
      limit: Math.min(limit, mostCounts),
      ...(since === null ? {} : { updated_after: since }),
      ...(cursor === undefined ? {} : { cursor }),
    };
    return checked(countsAnswer, await post(countsPath, body, signal));
  };
  // Once in a run: where every cursor is refused it would begin again for ever.
  let hasRestarted = false;
  /** Undefined: Square does not take its own cursor any more. */
  const readOn = async (place: Place, options: ReadOptions) => {
    try {
      return await readCounts(place, options);
    } catch (error) {
      const isRefused = error instanceof ReadFailed && error.code === 'http_400';
      if (!isRefused || place.cursor === undefined || hasRestarted) throw error;
      return undefined;
    }
  };
  const read = async (mark: Mark, options: ReadOptions, isSnapshot: boolean) => {
    // Our clock for Square's: what they differ by is less than the overlap.
    const now = options.readAt.toISOString();
    const since =
      mark.run === undefined ? beginning(mark, config, now, isSnapshot) : mark.run.since;
    let place: Place = mark.run ?? { since, until: now, cursor: undefined };
    let answer = isOld(mark, now) && !hasRestarted ? undefined : await readOn(place, options);
    if (answer === undefined) {
      hasRestarted = true;
      if (isSnapshot) return { kind: 'expired' } satisfies SourceRead;
      place = { since, until: now, cursor: undefined };
      answer = await readCounts(place, options);
    }
    const { counts, cursor } = answer;
    await nameSkus(
      counts.map((count) => count.catalog_object_id),
      options.signal,
    );
    const newest = counts.reduce<string | null>(
      (latest, count) =>
        latest === null || isLater(count.calculated_at, latest) ? count.calculated_at : latest,
      mark.newest,
    );
    const { until } = place;
    const next: Mark =
      cursor === undefined
        ? { newest: newest !== null && isLater(newest, until) ? until : newest }
        : { newest, run: { since, until, cursor, at: now } };
    return {
      kind: 'page',
      page: {
        ...itemsOf(counts),
        nextWatermark: JSON.stringify(next),
        hasMore: cursor !== undefined,
        isSnapshot,
      },
    } satisfies SourceRead;
  };
  /** By SKU: Square knows variations by ids of its own. */
  const readCurrent = async (keys: readonly SourceKey[], { signal }: ReadOptions) => {
    const values = [...new Set(keys.map(({ sku }) => sku))];
    const search = {
      object_types: ['ITEM_VARIATION'],
      query: { set_query: { attribute_name: 'sku', attribute_values: values } },
    };
    const found = checked(catalogAnswer, await post('/v2/catalog/search', search, signal));
    for (const object of found.objects) skus.set(object.id, object.item_variation_data?.sku);
    const body = {
      catalog_object_ids: found.objects.map(({ id }) => id),
      location_ids: Object.keys(config.locations),
      states: ['IN_STOCK'],
    };
    const isKnown = found.objects.length > 0;
    // Without ids the question would be about everything.
    const answer = isKnown ? await post(countsPath, body, signal) : { counts: [] };
    const { counts } = checked(countsAnswer, answer);
    return {
      kind: 'page',
      page: { ...itemsOf(counts), nextWatermark: null, hasMore: false, isSnapshot: false },
    } satisfies SourceRead;
  };
  return {
    changesSince: (watermark, options) => guarded(read(markOf(watermark), options, false)),
    snapshot: (cursor, options) => guarded(read(markOf(cursor), options, true)),
    current: (keys, options) => guarded(readCurrent(keys, options)),
  };
}

async function guarded(reading: Promise<SourceRead>): Promise<SourceRead> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof ReadFailed) return failed(error.code, error.retryAfterMs);
    throw error;
  }
}

class ReadFailed extends Error {
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  constructor(code: string, retryAfter?: number) {
    super(code);
    this.code = code;
    this.retryAfterMs = retryAfter;
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new ReadFailed('invalid_response');
  return result.data;
}

function beginning(
  { newest }: Mark,
  { overlapSeconds }: SquareConfig,
  now: string,
  isSnapshot: boolean,
): string | null {
  if (newest === null || isSnapshot) return null;
  const at = isLater(newest, now) ? now : newest;
  return new Date(Date.parse(at) - overlapSeconds * 1000).toISOString();
}

/** A cursor that nobody has used for long. */
function isOld({ run }: Mark, now: string): boolean {
  return run !== undefined && !(Date.parse(now) - Date.parse(run.at ?? '') <= cursorLastsMs);
}

function isLater(a: string, b: string): boolean {
  return Date.parse(a) > Date.parse(b);
}

function markOf(watermark: string | null): Mark {
  return watermark === null ? { newest: null } : (JSON.parse(watermark) as Mark);
}

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type {
  Change,
  ChangeOutcome,
  PublishContext,
  PublishFailure,
  PublishResult,
} from '../adapter.ts';
import { callSquare } from './call-square.ts';
import { wordOf, type SquareError } from './failures.ts';
import { countSchema, inStock } from './read-counts.ts';
import { idsOf, keyOfIds } from './settings.ts';
import type { SquareConfig, SquareCredentials, SquareIds } from './settings.ts';

/** Square takes 128 characters; parts of a call add some to the key of the whole. */
const longestKey = 100;

type Context = PublishContext<SquareConfig, SquareCredentials>;
type Row = { readonly change: Change; readonly ids: SquareIds };
type Sent = { readonly outcomes: readonly ChangeOutcome[] } | { readonly failure: PublishFailure };

/** Square promises none of it: a count that does not say enough is one that is missing. */
const answerSchema = z.object({ counts: z.array(countSchema.nullable().catch(null)).nullish() });

/**
 * Tells Square what is there: physical counts as of the time when the figures were read. Square
 * puts counts in the order of those times, so that one that arrives late does not undo a newer
 * one.  The key goes with the content: a repeat of the call says the same under the same key. A
 * call that is not taken because of some of its rows is halved until they are alone, each half
 * under a key of its own that follows from that of the call.
 */
export async function setCounts(
  client: HttpClient,
  changes: readonly Change[],
  context: Context,
): Promise<PublishResult> {
  const rows = changes.flatMap((change): Row[] => {
    const ids = idsOf(change.externalIds);
    return ids === undefined ? [] : [{ change, ids }];
  });
  const sent: Sent =
    rows.length === 0 ? { outcomes: [] } : await send(client, rows, keyOf(context), context);
  if ('failure' in sent) return { ok: false, failure: sent.failure };
  const outcomes = new Map(rows.map(({ change }, index) => [change, sent.outcomes[index]]));
  const notMapped: ChangeOutcome = { kind: 'refused', code: 'not_mapped' };
  return {
    ok: true,
    httpStatus: 200,
    outcomes: changes.map((change) => outcomes.get(change) ?? notMapped),
  };
}

function keyOf({ messageId }: Context): string {
  if (messageId.length <= longestKey) return messageId;
  return createHash('sha256').update(messageId).digest('hex');
}

async function send(
  client: HttpClient,
  rows: readonly Row[],
  key: string,
  context: Context,
): Promise<Sent> {
  const answer = await callSquare(client, context, {
    path: '/v2/inventory/changes/batch-create',
    body: bodyOf(rows, key, context),
    data: answerSchema,
  });
  if (answer.ok) {
    const shown = inStock((answer.data.counts ?? []).filter((count) => count !== null));
    return { outcomes: rows.map(({ change, ids }) => outcomeOf(change, shown.get(keyOfIds(ids)))) };
  }
  const { failure, errors } = answer;
  if (isAboutTime(errors)) return { failure: { ...failure, isNotDone: isTooOld(context) } };
  if (!isAboutRows(failure, errors)) return { failure };
  if (rows.length === 1) {
    return { outcomes: [{ kind: 'refused', code: wordOf(errors[0]?.code ?? '') }] };
  }
  const middle = Math.ceil(rows.length / 2);
  const first = await send(client, rows.slice(0, middle), `${key}a`, context);
  if ('failure' in first) return first;
  const second = await send(client, rows.slice(middle), `${key}b`, context);
  // The first half may have been done: nobody may say of the call that nothing was.
  if ('failure' in second) return { failure: { ...second.failure, isNotDone: false } };
  return { outcomes: [...first.outcomes, ...second.outcomes] };
}

/** Everything but the key follows from the changes and their time alone. */
function bodyOf(rows: readonly Row[], key: string, { readAt }: Context): unknown {
  return {
    idempotency_key: key,
    // By default Square drops a count like the one before, whatever was sold in between.
    ignore_unchanged_counts: false,
    changes: rows.map(({ change, ids }) => ({
      type: 'PHYSICAL_COUNT',
      physical_count: {
        catalog_object_id: ids.catalogObjectId,
        location_id: ids.locationId,
        state: 'IN_STOCK',
        quantity: String(change.available),
        occurred_at: (readAt ?? change.recordedAt).toISOString(),
        reference_id: `${change.storeId}/${change.sku}/${change.version}`.slice(0, 255),
      },
    })),
  };
}

/** Square takes counts of the last 24 hours, and none of the future. */
const oldestMs = 12 * 3_600_000;
const timeCodes: ReadonlySet<string> = new Set(['INVALID_TIME', 'INVALID_TIME_RANGE']);

function isAboutTime(errors: readonly SquareError[]): boolean {
  return errors.some(({ code, field = '' }) => {
    return timeCodes.has(code) || field.endsWith('occurred_at');
  });
}

/** Then the call has to be made anew; else our clock is ahead, and its time will come. */
function isTooOld({ readAt, now }: Context): boolean {
  return readAt === undefined || now().getTime() - readAt.getTime() > oldestMs;
}

/** Whether smaller calls would tell which rows are not taken. */
function isAboutRows(
  { scope, httpStatus }: PublishFailure,
  errors: readonly SquareError[],
): boolean {
  const isRequest = scope === 'request' && httpStatus !== 409;
  return (
    isRequest &&
    errors.length > 0 &&
    errors.every(({ category, code }) => {
      return category === 'INVALID_REQUEST_ERROR' && code !== 'IDEMPOTENCY_KEY_REUSED';
    })
  );
}

/**
 * Square answers with what it shows now: something else, when it knew something newer.
 *
 * A count that is missing was taken all the same: Square takes a call whole or not at all, and this
 * one it answered without errors. Counts of composed variations are estimated, and are neither in
 * this answer nor in what can be read, so that to ask again would be to ask for ever.
 */
function outcomeOf({ available }: Change, shown: number | undefined): ChangeOutcome {
  if (shown === undefined || shown === available) return { kind: 'applied' };
  return { kind: 'stale', observed: shown };
}

import { sql } from 'kysely';
import { listLevels } from '../stock/index.ts';
import { defaultPolicy, type BuffersContext } from './context.ts';
import { keepLevels } from './keep-levels.ts';
import { whileAlone } from './run-lock.ts';

/** Levels that are read and changed together: what is in memory at a time. */
const batchSize = 500;
/** Between two runs of a merchant, by the clock. */
const intervalSeconds = 900;

export type Recomputed = {
  readonly levels: number;
  readonly changed: number;
};

export type RecomputeOptions = {
  /** Ends the run between two batches; what was done stays, and it is due again. */
  readonly signal?: AbortSignal | undefined;
  readonly onBatch?: (levels: number) => void;
};

/**
 * Goes through all levels of a merchant and brings their safety stock to what their policies want,
 * a batch at a time. Undefined: another process is at it, or it was ended.
 */
export async function recomputeBuffers(
  context: BuffersContext,
  merchantId: string,
  options: RecomputeOptions = {},
): Promise<Recomputed | undefined> {
  return await whileAlone(context.db, merchantId, 'recompute', () =>
    goThrough(context, merchantId, options),
  );
}

async function goThrough(
  context: BuffersContext,
  merchantId: string,
  { signal, onBatch }: RecomputeOptions,
): Promise<Recomputed | undefined> {
  const { db, clock } = context;
  const requestedAt = await beginRun(context, merchantId);
  let [levels, changed] = [0, 0];
  let after: { sku: string; storeId: string } | undefined;
  do {
    if (signal?.aborted === true) return undefined;
    const page = await listLevels(db, { merchantId, after, limit: batchSize }, clock.offsetMs);
    changed += await keepLevels(context, merchantId, page.items);
    levels += page.items.length;
    onBatch?.(levels);
    after = page.next;
  } while (after !== undefined);
  await sql`
    update safety_run
    set finished_at = clock_timestamp(), levels = ${levels}, changed = ${changed},
        defaults = ${defaultsText(context)},
        next_run_at = clock_timestamp() + ${intervalSeconds} * interval '1 second',
        requested_at = case when requested_at::text = ${requestedAt}::text then null
          else requested_at end
    where merchant_id = ${merchantId}`.execute(db);
  return { levels, changed };
}

/** Returns the request that the run is for: what is asked for meanwhile needs another one. */
async function beginRun({ db }: BuffersContext, merchantId: string): Promise<string | null> {
  const { rows } = await sql<{ requested_at: string | null }>`
    insert into safety_run as r (merchant_id, next_run_at, started_at)
    values (${merchantId}, clock_timestamp(), clock_timestamp())
    on conflict (merchant_id) do update set started_at = excluded.started_at
    returning requested_at::text`.execute(db);
  return rows[0]?.requested_at ?? null;
}

/** The settings as a run notes them: others mean that levels have to be looked at. */
export function defaultsText({ settings }: Pick<BuffersContext, 'settings'>): string {
  return JSON.stringify(defaultPolicy(settings));
}

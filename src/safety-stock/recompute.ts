import { sql } from 'kysely';
import { listLevels } from '../stock/index.ts';
import { defaultsText, keepsNothing, type BuffersContext } from './context.ts';
import { isBufferDue } from './due.ts';
import { keepLevels } from './keep-levels.ts';
import { whileAlone } from './run-lock.ts';

/** Levels that are read and changed together: what is in memory at a time. */
const batchSize = 500;
/** Between two runs of a merchant, by the clock. */
const intervalSeconds = 900;

export type Recomputed = {
  /** That were looked at. */
  readonly levels: number;
  readonly changed: number;
};

export type RecomputeOptions = {
  /** Ends the run between two batches; what was done stays, and it is due again. */
  readonly signal?: AbortSignal | undefined;
  readonly onBatch?: (levels: number) => void;
  /** Does nothing where no run is due: another one may have been through meanwhile. */
  readonly onlyIfDue?: boolean;
};

/**
 * Goes through the levels of a merchant and brings their safety stock to what their policies want,
 * a batch at a time. Where no policy keeps anything back, levels that keep nothing are passed over.
 * Undefined: another process is at it, it was ended, or it was not due.
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
  { signal, onBatch, onlyIfDue }: RecomputeOptions,
): Promise<Recomputed | undefined> {
  const { db, clock } = context;
  if (onlyIfDue === true && !(await isBufferDue(context, merchantId))) return undefined;
  const requestedAt = await beginRun(context, merchantId);
  // A rule that is made from now on asks for another run.
  const keepsBack = (await wantsNothing(context, merchantId)) || undefined;
  let [levels, changed] = [0, 0];
  let after: { sku: string; storeId: string } | undefined;
  do {
    if (signal?.aborted === true) return undefined;
    const filter = { merchantId, keepsBack, after, limit: batchSize };
    const page = await listLevels(db, filter, clock.offsetMs);
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

/** Neither a rule nor the settings keep anything back. */
async function wantsNothing(context: BuffersContext, merchantId: string): Promise<boolean> {
  if (!keepsNothing(context)) return false;
  const rule = await context.db
    .selectFrom('safety_buffer')
    .select('merchant_id')
    .where('merchant_id', '=', merchantId)
    .limit(1)
    .executeTakeFirst();
  return rule === undefined;
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

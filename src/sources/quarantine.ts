import { randomUUID } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import type { PoolClient } from 'pg';
import type { Db } from '../db/index.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import { quantityFromColumn, type Quantity } from '../stock/index.ts';
import { applyPage, SourceMoved } from './apply-page.ts';
import type { SourcesContext } from './context.ts';
import { databaseNow } from './source-row.ts';
import { readKept } from './source.ts';
import type { QuarantineCause, QuarantineStatus, SourceQuarantineTable } from './tables.ts';

/** A report that waits, or waited, for somebody's decision. */
export type QuarantineView = {
  readonly quarantineId: string;
  readonly sourceId: string;
  readonly sku: string;
  readonly storeId: string;
  readonly quantity: Quantity;
  /** Ours, when it was put here. */
  readonly current: number;
  /** What the source says. */
  readonly value: number;
  readonly observedAt: string;
  readonly cause: QuarantineCause;
  readonly status: Exclude<QuarantineStatus, 'parked'>;
  readonly runId: string;
  readonly createdAt: string;
  readonly decidedAt: string | null;
  readonly decidedBy: string | null;
};

type QuarantineRow = Selectable<SourceQuarantineTable>;

export type DecideQuarantine = {
  readonly merchantId: string;
  /** Of one report, or of a run: all that it put here. */
  readonly id: string;
  readonly actor: string;
};

/** Reports by id, at most `limit` after `after`. */
export async function listQuarantine(
  db: Db,
  filter: PageRequest & {
    readonly merchantId: string;
    readonly sourceId?: string | undefined;
    readonly runId?: string | undefined;
    readonly status?: QuarantineView['status'] | undefined;
  },
): Promise<PageOf<QuarantineView, string>> {
  const { merchantId, sourceId, runId, status, after, limit } = filter;
  let query = db
    .selectFrom('source_quarantine')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('status', '!=', 'parked')
    .orderBy('quarantine_id')
    .limit(limit + 1);
  if (sourceId !== undefined) query = query.where('source_id', '=', sourceId);
  if (runId !== undefined) query = query.where('run_id', '=', runId);
  if (status !== undefined) query = query.where('status', '=', status);
  if (after !== undefined) query = query.where('quarantine_id', '>', after);
  const page = pageOf(await query.execute(), limit, (row) => row.quarantine_id);
  return { ...page, items: page.items.map(viewQuarantine) };
}

/**
 * Applies reports that were put aside, as if nothing had been suspicious: with what was recorded
 * since on top. Refusals: QUARANTINE.NOT_FOUND, QUARANTINE.DECIDED.
 */
export async function approveQuarantine(
  context: SourcesContext,
  input: DecideQuarantine,
): Promise<Result<{ readonly approved: number }>> {
  const { db, together, clock, settings } = context;
  const found = await findPending(db, input);
  if (!found.ok) return found;
  const readAt = await databaseNow(db, clock.offsetMs);
  let approved = 0;
  for (const [sourceId, rows] of Map.groupBy(found.value, (row) => row.source_id)) {
    for (let from = 0; from < rows.length; from += settings.batchSize) {
      const page = rows.slice(from, from + settings.batchSize);
      const ids = page.map((row) => row.quarantine_id);
      let taken = 0;
      const isApplied = await applyPage(together, {
        merchantId: input.merchantId,
        sourceId,
        runId: page[0]?.run_id ?? '',
        token: randomUUID(),
        items: [],
        unreadable: [],
        readAt,
        guards: null,
        deduplicate: true,
        origin: 'approved',
        async take(client) {
          const pending = await takePending(client, context, input, ids);
          taken = pending.length;
          const items = readKept(pending.map(({ item }) => item));
          return { items, readAt: pending[0]?.taken_at ?? readAt };
        },
      }).then(
        () => true,
        (error: unknown) => {
          // The source was deleted meanwhile, and its reports with it.
          if (error instanceof SourceMoved) return false;
          throw error;
        },
      );
      if (isApplied) approved += taken;
    }
  }
  return await answerOf(db, input, approved, { approved });
}

/** Marks the reports that still wait as approved: what they say by now is what is applied. */
async function takePending(
  client: PoolClient,
  { clock }: SourcesContext,
  { merchantId, actor }: DecideQuarantine,
  ids: readonly string[],
): Promise<readonly { readonly item: unknown; readonly taken_at: Date }[]> {
  const { rows } = await client.query<{ item: unknown; taken_at: Date }>(
    `update source_quarantine
     set status = 'approved', decided_at = clock_timestamp(), decided_by = $3
     where merchant_id = $1 and quarantine_id = any ($2::text[]) and status = 'pending'
     returning item, clock_timestamp() + $4 * interval '1 millisecond' as taken_at`,
    [merchantId, ids, actor, clock.offsetMs],
  );
  return rows;
}

/** How many were decided; a refusal where somebody else has decided all of them meanwhile. */
async function answerOf<T>(
  db: Db,
  input: DecideQuarantine,
  decided: number,
  answer: T,
): Promise<Result<T>> {
  const left = decided > 0 ? ok(answer) : await findPending(db, input);
  return left.ok ? ok(answer) : left;
}

/**
 * Leaves stock as it is; the same report again is then known to be wrong. Refusals:
 * QUARANTINE.NOT_FOUND, QUARANTINE.DECIDED.
 */
export async function refuseQuarantine(
  { db }: SourcesContext,
  input: DecideQuarantine,
): Promise<Result<{ readonly refused: number }>> {
  const found = await findPending(db, input);
  if (!found.ok) return found;
  const ids = found.value.map((row) => row.quarantine_id);
  const { rows } = await sql`
    update source_quarantine
    set status = 'refused', decided_at = clock_timestamp(), decided_by = ${input.actor}
    where merchant_id = ${input.merchantId} and quarantine_id = any (${ids}::text[])
      and status = 'pending'
    returning quarantine_id`.execute(db);
  return await answerOf(db, input, rows.length, { refused: rows.length });
}

/** How many reports wait for a decision, over all merchants. */
export async function countQuarantined(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from source_quarantine where status = 'pending'`.execute(db);
  return rows[0]?.count ?? 0;
}

async function findPending(
  db: Db,
  { merchantId, id }: DecideQuarantine,
): Promise<Result<readonly QuarantineRow[]>> {
  const rows = await db
    .selectFrom('source_quarantine')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where(id.startsWith('run_') ? 'run_id' : 'quarantine_id', '=', id)
    .where('status', '!=', 'parked')
    .execute();
  if (rows.length === 0) {
    return refused(refuse('QUARANTINE.NOT_FOUND', 'There is no such report in quarantine.'));
  }
  const pending = rows.filter(({ status }) => status === 'pending');
  if (pending.length > 0) return ok(pending);
  return refused(
    refuse('QUARANTINE.DECIDED', 'It was decided already.', { decision: rows[0]?.status }),
  );
}

function viewQuarantine(row: QuarantineRow): QuarantineView {
  return {
    quarantineId: row.quarantine_id,
    sourceId: row.source_id,
    sku: row.sku,
    storeId: row.location_id,
    quantity: quantityFromColumn(row.quantity),
    current: row.current_value,
    value: row.value,
    observedAt: row.observed_at.toISOString(),
    cause: row.cause,
    status: row.status as QuarantineView['status'],
    runId: row.run_id,
    createdAt: row.created_at.toISOString(),
    decidedAt: row.decided_at?.toISOString() ?? null,
    decidedBy: row.decided_by,
  };
}

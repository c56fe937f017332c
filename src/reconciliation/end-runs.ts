import { sql } from 'kysely';
import { getChannel } from '../channels/index.ts';
import type { Db } from '../db/index.ts';
import type { DriftAlert, ReconciliationContext } from './context.ts';
import { getReconciliation } from './get-run.ts';
import { movePart, PartMoved, type PartRow } from './part.ts';

/** Parts that are not at their end, of runs that are under way. */
export async function openParts(db: Db): Promise<readonly PartRow[]> {
  const { rows } = await sql<PartRow>`
    select p.* from reconciliation r
    join reconciliation_part p
      on p.merchant_id = r.merchant_id and p.reconciliation_id = r.reconciliation_id
    where r.status = 'running' and p.status in ('reading', 'confirming')
    order by p.merchant_id, p.part_id`.execute(db);
  return rows;
}

/** Ends a channel's part when nobody can read the channel: it is paused, disabled or gone. */
export async function endUnled({ db }: ReconciliationContext, part: PartRow): Promise<void> {
  if (part.channel_id === null) return;
  const channel = await getChannel(db, part.merchant_id, part.channel_id);
  if (channel?.status === 'active') return;
  const code = channel === undefined ? 'channel_gone' : `channel_${channel.status}`;
  await db
    .transaction()
    .execute((tx) => movePart(tx, part, { status: 'failed', code }))
    .catch((error: unknown) => {
      if (!(error instanceof PartMoved)) throw error;
    });
}

type Ended = { readonly merchant_id: string; readonly reconciliation_id: string };

/**
 * Moves runs on whose parts have all ended: first they wait until what they found is settled, as
 * far as nobody has to approve of it, then they are finished. Tells both once, whoever does it.
 */
export async function endRuns(context: ReconciliationContext): Promise<void> {
  const { db, settings, events, settleMs } = context;
  const compared = await sql<Ended>`
    update reconciliation r set status = 'settling', compared_at = clock_timestamp()
    where r.status = 'running' and not exists (
      select from reconciliation_part p
      where p.merchant_id = r.merchant_id and p.reconciliation_id = r.reconciliation_id
        and p.status in ('reading', 'confirming'))
    returning r.merchant_id, r.reconciliation_id`.execute(db);
  if (settings.alertOnBreach) {
    for (const run of compared.rows) {
      for (const alert of await alertsOf(db, run)) events.onAlert?.(alert);
    }
  }
  const finished = await sql<Ended>`
    update reconciliation r set status = 'finished', finished_at = clock_timestamp()
    where r.status = 'settling' and (
      r.compared_at < clock_timestamp() - ${settleMs} * interval '1 millisecond'
      or not exists (
        select from drift d
        where d.merchant_id = r.merchant_id and d.reconciliation_id = r.reconciliation_id
          and d.status = 'settling'))
    returning r.merchant_id, r.reconciliation_id`.execute(db);
  for (const run of finished.rows) {
    const found = await getReconciliation(db, run.merchant_id, run.reconciliation_id);
    if (!found.ok) continue;
    const { parts, ledger, ...figures } = found.value;
    events.onFinished?.({
      ...figures,
      merchantId: run.merchant_id,
      failed: parts.filter(({ status }) => status === 'failed').length,
      violations: Object.values(ledger).reduce((sum, rows) => sum + rows, 0),
    });
  }
}

async function alertsOf(db: Db, run: Ended): Promise<readonly DriftAlert[]> {
  const { rows } = await sql<{
    channel_id: string | null;
    source_id: string | null;
    pending: number;
    units: number;
  }>`
    select channel_id, source_id, count(*)::integer as pending,
      sum(abs(units))::bigint as units
    from drift
    where merchant_id = ${run.merchant_id} and reconciliation_id = ${run.reconciliation_id}
      and status = 'pending'
    group by channel_id, source_id order by channel_id, source_id`.execute(db);
  return rows.map(({ channel_id: channelId, source_id: sourceId, pending, units }) => ({
    merchantId: run.merchant_id,
    reconciliationId: run.reconciliation_id,
    channelId,
    sourceId,
    pending,
    units,
  }));
}

import { sql } from 'kysely';
import { channelNotFound, getChannel } from '../channels/index.ts';
import type { Db, Tx } from '../db/index.ts';
import { ok, refused, type Result } from '../errors.ts';
import { newId } from '../ids.ts';
import { getSource, type SourcesContext } from '../sources/index.ts';

export type RunScope = {
  readonly merchantId: string;
  readonly channelId?: string | undefined;
  readonly sourceId?: string | undefined;
};

/**
 * Asks for a run: of the channel and the source that are named, or without either of everything. It
 * begins when no other run of the merchant is under way; one that waits already for the same is not
 * asked for twice.
 * Refusals, in this order: CHANNEL.NOT_FOUND, SOURCE.NOT_FOUND.
 */
export async function requestReconciliation(
  sources: SourcesContext,
  scope: RunScope,
): Promise<Result<{ readonly reconciliationId: string }>> {
  const { merchantId, channelId, sourceId } = scope;
  const { db } = sources;
  if (channelId !== undefined) {
    const found = await getChannel(db, merchantId, channelId);
    if (found === undefined) return refused(channelNotFound(channelId));
  }
  if (sourceId !== undefined) {
    const found = await getSource(sources, merchantId, sourceId);
    if (!found.ok) return found;
  }
  const reconciliationId = await db.transaction().execute(async (tx) => {
    return await insertRun(tx, scope, 'request');
  });
  return ok({ reconciliationId });
}

/**
 * Asks for a run of everything of each of these merchants: by the clock. One that has such a run
 * under way is passed over. @returns how many were asked for
 */
export async function scheduleReconciliations(
  db: Db,
  merchantIds: readonly string[],
): Promise<number> {
  let asked = 0;
  for (const merchantId of merchantIds) {
    const open = await db
      .selectFrom('reconciliation')
      .select('reconciliation_id')
      .where('merchant_id', '=', merchantId)
      .where('status', 'in', ['queued', 'running'])
      .where('channel_id', 'is', null)
      .where('source_id', 'is', null)
      .executeTakeFirst();
    if (open !== undefined) continue;
    await db.transaction().execute((tx) => insertRun(tx, { merchantId }, 'schedule'));
    asked += 1;
  }
  return asked;
}

async function insertRun(
  tx: Tx,
  { merchantId, channelId, sourceId }: RunScope,
  trigger: 'schedule' | 'request',
): Promise<string> {
  const { rows } = await sql<{ reconciliation_id: string }>`
    insert into reconciliation
      (merchant_id, reconciliation_id, trigger, channel_id, source_id, status)
    values (${merchantId}, ${newId('rec')}, ${trigger},
      ${channelId ?? null}, ${sourceId ?? null}, 'queued')
    on conflict (merchant_id, coalesce(channel_id, ''), coalesce(source_id, ''))
      where status = 'queued'
      do update set trigger = reconciliation.trigger
    returning reconciliation_id`.execute(tx);
  return rows[0]?.reconciliation_id ?? '';
}

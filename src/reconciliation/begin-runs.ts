import { sql } from 'kysely';
import { listChannels, type ChannelView } from '../channels/index.ts';
import type { Tx } from '../db/index.ts';
import { sqlStateOf } from '../errors.ts';
import { listSources, type SourceView } from '../sources/index.ts';
import type { PageOf } from '../page.ts';
import type { ReconciliationContext } from './context.ts';

type QueuedRun = {
  readonly merchant_id: string;
  readonly reconciliation_id: string;
  readonly channel_id: string | null;
  readonly source_id: string | null;
};

type NewPart = {
  readonly partId: string;
  readonly channelId: string | null;
  readonly sourceId: string | null;
  /** Why there is nothing to do. */
  readonly code: string | null;
};

/** The part of every run that holds the ledger against the levels. */
const ledgerPart = 'ledger';

/**
 * Begins runs that wait, the oldest of each merchant that has none under way. Of several processes
 * one begins it.
 */
export async function beginRuns(context: ReconciliationContext): Promise<void> {
  const { rows } = await sql<QueuedRun>`
    select distinct on (q.merchant_id) q.merchant_id, q.reconciliation_id, q.channel_id, q.source_id
    from reconciliation q
    where q.status = 'queued' and not exists (
      select from reconciliation r
      where r.merchant_id = q.merchant_id and r.status = 'running')
    order by q.merchant_id, q.requested_at`.execute(context.db);
  for (const run of rows) {
    const parts = await planParts(context, run);
    try {
      await context.db.transaction().execute((tx) => begin(tx, run, parts));
    } catch (error) {
      // Another process has begun one at this very moment.
      if (sqlStateOf(error) !== '23505') throw error;
    }
  }
}

async function begin(tx: Tx, run: QueuedRun, parts: readonly NewPart[]): Promise<void> {
  const { rows } = await sql`
    update reconciliation set status = 'running', started_at = clock_timestamp()
    where merchant_id = ${run.merchant_id} and reconciliation_id = ${run.reconciliation_id}
      and status = 'queued'
    returning reconciliation_id`.execute(tx);
  if (rows.length === 0) return;
  await tx
    .insertInto('reconciliation_part')
    .values(
      parts.map(({ partId, channelId, sourceId, code }) => ({
        merchant_id: run.merchant_id,
        reconciliation_id: run.reconciliation_id,
        part_id: partId,
        channel_id: channelId,
        source_id: sourceId,
        code,
        ...(code === null ? {} : { status: 'finished' as const }),
      })),
    )
    .execute();
}

/** What a run is made of: channels and sources that are enabled, or those that it names. */
async function planParts(
  context: ReconciliationContext,
  { merchant_id: merchantId, channel_id, source_id }: QueuedRun,
): Promise<readonly NewPart[]> {
  const { db, sources } = context;
  const isAll = channel_id === null && source_id === null;
  const parts: NewPart[] = [{ partId: ledgerPart, channelId: null, sourceId: null, code: null }];
  const channels = await readAll<ChannelView>((page) => listChannels(db, { merchantId, ...page }));
  for (const { channelId, kind, enabled } of channels) {
    if (!(isAll ? enabled : channelId === channel_id)) continue;
    const canRead = context.adapters.get(kind)?.read !== undefined;
    const code = canRead ? null : 'not_readable';
    parts.push({ partId: `channel:${channelId}`, channelId, sourceId: null, code });
  }
  const known = await readAll<SourceView>((page) => listSources(sources, { merchantId, ...page }));
  for (const { sourceId, enabled } of known) {
    if (!(isAll ? enabled : sourceId === source_id)) continue;
    parts.push({ partId: `source:${sourceId}`, channelId: null, sourceId, code: null });
  }
  return parts;
}

async function readAll<Item>(
  read: (page: { after: string | undefined; limit: number }) => Promise<PageOf<Item, string>>,
): Promise<readonly Item[]> {
  const all: Item[] = [];
  let after: string | undefined;
  do {
    const page = await read({ after, limit: 500 });
    all.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return all;
}

import { sql } from 'kysely';
import type { Db, Tx } from '../db/index.ts';
import type { RevisionLimit } from './adapter.ts';
import type { ChannelRow } from './channel.ts';
import { revisionDays, revisionWaitMs, type Budget } from './revision-pace.ts';

/** Something that is about to be revised. */
export type Revision = {
  /** What the channel counts together, by its own name for it. */
  readonly subject: string;
  /** Changes that go out for it in one call. */
  readonly count: number;
  /** It is sold out, and the channel shows something. */
  readonly isToZero: boolean;
};

export type SpentRevisions = {
  /** For each revision until when it has to wait; null: it may go out, and is counted. */
  readonly waitUntil: readonly (Date | null)[];
  readonly days: readonly string[];
};

/**
 * Counts revisions before they are made, and says which have to wait. What is counted stays so
 * through crashes and in every process, whether an answer comes or not. What goes to 0 comes first.
 */
export function spendRevisions(
  db: Db,
  channel: ChannelRow,
  limit: RevisionLimit,
  revisions: readonly Revision[],
  offsetMs: number,
): Promise<SpentRevisions> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ now: Date }>`
      select clock_timestamp() + ${offsetMs} * interval '1 millisecond' as now`.execute(tx);
    const now = rows[0]?.now ?? new Date();
    const days = revisionDays(now, limit.timeZone);
    const subjects = [...new Set(revisions.map(({ subject }) => subject))];
    const budgets = await lockBudgets(tx, channel, subjects, days);
    const waitUntil: (Date | null)[] = revisions.map(() => null);
    const order = revisions.map((revision, index) => ({ revision, index }));
    order.sort((a, b) => Number(b.revision.isToZero) - Number(a.revision.isToZero));
    for (const { revision, index } of order) {
      const { subject, count, isToZero } = revision;
      const budget = budgets.get(subject) ?? { spent: 0, spentAt: null };
      // The last of its changes has to fit as well.
      const last = { ...budget, spent: budget.spent + count - 1 };
      const waitMs = revisionWaitMs(last, limit, { now, isToZero });
      if (waitMs === 0) budgets.set(subject, { spent: budget.spent + count, spentAt: now });
      else waitUntil[index] = new Date(now.getTime() + waitMs);
    }
    const going = revisions.filter((_, index) => waitUntil[index] === null);
    await addSpent(tx, channel, going, { days, now });
    return { waitUntil, days };
  });
}

/** Gives back revisions of which the channel says that they were not made. */
export async function giveBackRevisions(
  db: Db,
  channel: ChannelRow,
  revisions: readonly Revision[],
  days: readonly string[],
): Promise<void> {
  const totals = totalsOf(revisions);
  await sql`
    update revision_budget b set spent = greatest(b.spent - u.count, 0)
    from unnest(${[...totals.keys()]}::text[], ${[...totals.values()]}::integer[])
      as u(subject, count)
    where b.merchant_id = ${channel.merchant_id} and b.channel_id = ${channel.channel_id}
      and b.subject = u.subject and b.day = any (${[...days]}::date[])`.execute(db);
}

/** The budgets, locked: of several days the one that has less left. Those of older days go. */
async function lockBudgets(
  tx: Tx,
  channel: ChannelRow,
  subjects: readonly string[],
  days: readonly string[],
): Promise<Map<string, Budget>> {
  const { merchant_id: merchantId, channel_id: channelId } = channel;
  await sql`
    insert into revision_budget (merchant_id, channel_id, subject, day, spent)
    select ${merchantId}, ${channelId}, s.subject, d.day, 0
    from unnest(${[...subjects]}::text[]) as s(subject), unnest(${[...days]}::date[]) as d(day)
    order by s.subject collate "C", d.day
    on conflict do nothing`.execute(tx);
  const { rows } = await sql<{
    subject: string;
    day: string;
    spent: number;
    spent_at: Date | null;
  }>`
    select subject, day::text, spent, spent_at from revision_budget
    where merchant_id = ${merchantId} and channel_id = ${channelId}
      and subject = any (${[...subjects]}::text[])
    order by subject, day for update`.execute(tx);
  const oldest = days.reduce((a, b) => (a < b ? a : b));
  await sql`
    delete from revision_budget
    where merchant_id = ${merchantId} and channel_id = ${channelId}
      and subject = any (${[...subjects]}::text[]) and day < ${oldest}::date`.execute(tx);
  const budgets = new Map<string, Budget>();
  for (const { subject, day, spent, spent_at: spentAt } of rows) {
    if (!days.includes(day)) continue;
    const known = budgets.get(subject);
    if (known === undefined || known.spent < spent) budgets.set(subject, { spent, spentAt });
  }
  return budgets;
}

async function addSpent(
  tx: Tx,
  channel: ChannelRow,
  revisions: readonly Revision[],
  { days, now }: { readonly days: readonly string[]; readonly now: Date },
): Promise<void> {
  const totals = totalsOf(revisions);
  if (totals.size === 0) return;
  await sql`
    update revision_budget b set spent = b.spent + u.count, spent_at = ${now}
    from unnest(${[...totals.keys()]}::text[], ${[...totals.values()]}::integer[])
      as u(subject, count)
    where b.merchant_id = ${channel.merchant_id} and b.channel_id = ${channel.channel_id}
      and b.subject = u.subject and b.day = any (${[...days]}::date[])`.execute(tx);
}

function totalsOf(revisions: readonly Revision[]): ReadonlyMap<string, number> {
  const totals = new Map<string, number>();
  for (const { subject, count } of revisions) {
    totals.set(subject, (totals.get(subject) ?? 0) + count);
  }
  return totals;
}

import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { dailyDemand } from '../stock/index.ts';
import type { Place } from './rules-of-levels.ts';
import { velocityOf, type Velocity } from './wanted-units.ts';

export type VelocityQuestion = Place & { readonly windowDays: number };

type DemandRow = { days: number | null; mean: number; sigma: number | null };

/**
 * How the daily demand of levels varies. It is of full days, so it is computed once a day for each
 * level and kept; a repeat on the same day, also after a crash, reads what is there.
 */
export async function velocitiesOf(
  db: Db,
  merchantId: string,
  questions: readonly VelocityQuestion[],
  offsetMs: number,
): Promise<ReadonlyMap<VelocityQuestion, Velocity>> {
  if (questions.length === 0) return new Map();
  const now = await databaseNow(db, offsetMs);
  const known = await readKnown(db, merchantId, questions, now);
  const unknown = questions.filter((question) => !known.has(question));
  for (const [days, group] of Map.groupBy(unknown, ({ windowDays }) => windowDays)) {
    const demand = await dailyDemand(db, merchantId, group, { now, days });
    for (const [index, question] of group.entries()) {
      const found = demand[index];
      if (found !== undefined) known.set(question, velocityOf(found));
    }
  }
  await keep(db, merchantId, unknown, known, now);
  return known;
}

async function readKnown(
  db: Db,
  merchantId: string,
  questions: readonly VelocityQuestion[],
  now: Date,
): Promise<Map<VelocityQuestion, Velocity>> {
  const known = new Map<VelocityQuestion, Velocity>();
  const { rows } = await sql<DemandRow>`
    select d.days, d.mean, d.sigma
    from unnest(${questions.map(({ sku }) => sku)}::text[],
                ${questions.map(({ storeId }) => storeId)}::text[],
                ${questions.map(({ windowDays }) => windowDays)}::integer[])
         with ordinality as u(sku, location_id, window_days, position)
    left join lateral (
      select * from safety_demand d
      where d.merchant_id = ${merchantId} and d.sku = u.sku and d.location_id = u.location_id
        and d.window_days = u.window_days and d.until_day = ${dayOf(now)}::date
      offset 0) d on true
    order by u.position`.execute(db);
  for (const [index, question] of questions.entries()) {
    const row = rows[index];
    if (row === undefined || row.days === null) continue;
    known.set(question, { days: row.days, mean: row.mean, sigma: row.sigma });
  }
  return known;
}

async function keep(
  db: Db,
  merchantId: string,
  questions: readonly VelocityQuestion[],
  velocities: ReadonlyMap<VelocityQuestion, Velocity>,
  now: Date,
): Promise<void> {
  if (questions.length === 0) return;
  const found = questions.map((question) => velocities.get(question));
  await sql`
    insert into safety_demand (merchant_id, until_day, sku, location_id, window_days, days, mean,
      sigma)
    select ${merchantId}, ${dayOf(now)}::date, u.*
    from unnest(${questions.map(({ sku }) => sku)}::text[],
                ${questions.map(({ storeId }) => storeId)}::text[],
                ${questions.map(({ windowDays }) => windowDays)}::integer[],
                ${found.map((velocity) => velocity?.days ?? 0)}::integer[],
                ${found.map((velocity) => velocity?.mean ?? 0)}::double precision[],
                ${found.map((velocity) => velocity?.sigma ?? null)}::double precision[]) as u
    on conflict (merchant_id, sku, location_id) do update
      set until_day = excluded.until_day, window_days = excluded.window_days,
          days = excluded.days, mean = excluded.mean, sigma = excluded.sigma`.execute(db);
}

async function databaseNow(db: Db, offsetMs: number): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`
    select clock_timestamp() + ${offsetMs} * interval '1 millisecond' as now`.execute(db);
  return rows[0]?.now ?? new Date();
}

/** The day in UTC. */
function dayOf(now: Date): string {
  return now.toISOString().slice(0, 10);
}

import { sql } from 'kysely';
import { plannedOnce, type Tx } from '../db/index.ts';

/** The fact that a version of a level has to reach the channels. */
export type OutboxMessage = {
  readonly merchantId: string;
  readonly sku: string;
  readonly storeId: string;
  readonly version: number;
  readonly recordedAt: Date;
};

/**
 * Removes messages from the outbox and returns them; they are gone when `tx` commits together with
 * what the caller makes of them. Several relays may do so at once: each gets others.
 *
 * It remembers no position: a message that is committed late has a lower id than some that are gone
 * already, and is taken all the same. Each merchant gets its share of a pass, by a search that
 * jumps from merchant to merchant in the key; where there are more merchants than messages in a
 * pass, chance says whose turn it is. Rows are deleted by their place (`ctid`): a plan made while
 * the table was empty costs nothing when it is full.
 *
 * @param limit the most messages of one merchant
 * @param most the most messages of all merchants
 */
export async function takeMessages(
  tx: Tx,
  limit: number,
  most: number,
): Promise<{
  readonly messages: readonly OutboxMessage[];
  /** Some merchant had as many as its share: there may be more. */
  readonly isFull: boolean;
}> {
  const { rows } = await sql<{
    merchant_id: string;
    sku: string;
    location_id: string;
    version: number;
    recorded_at: Date;
    share: number;
  }>`${sql.raw(plannedOnce)}
    with recursive present(merchant_id) as (
      (select merchant_id from outbox_message order by merchant_id limit 1)
      union all
      select (select o.merchant_id from outbox_message o
              where o.merchant_id > m.merchant_id order by o.merchant_id limit 1)
      from present m where m.merchant_id is not null
    ), chosen as materialized (
      select p.merchant_id from present p where p.merchant_id is not null
      order by random() limit ${most}
    ), share as materialized (
      select greatest(least(${limit}, ${most} / count(*)), 1)::integer as share from chosen
    )
    delete from outbox_message where ctid = any (array(
      select o.place from chosen m cross join lateral (
        select o.ctid as place from outbox_message o
        where o.merchant_id = m.merchant_id
        order by o.message_id limit (select share from share) for update skip locked) o))
    returning merchant_id, sku, location_id, version, recorded_at,
      (select share from share)`.execute(tx);
  const counts = new Map<string, number>();
  const messages = rows.map((row): OutboxMessage => {
    const { merchant_id: merchantId, sku, location_id: storeId, version } = row;
    counts.set(merchantId, (counts.get(merchantId) ?? 0) + 1);
    return { merchantId, sku, storeId, version, recordedAt: row.recorded_at };
  });
  const share = rows[0]?.share ?? 1;
  return { messages, isFull: [...counts.values()].some((count) => count >= share) };
}

/** Removes messages that nobody wants, at most `limit` of them, and returns how many. */
export async function dropMessages(tx: Tx, limit: number): Promise<number> {
  const result = await sql`
    delete from outbox_message where ctid = any (array(
      select ctid from outbox_message limit ${limit} for update skip locked))`.execute(tx);
  return Number(result.numAffectedRows ?? 0);
}

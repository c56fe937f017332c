import { sql } from 'kysely';
import { numberArray, plannedOnce, textArray, timeArray, type Tx } from '../db/index.ts';
import type { ChangedLevel } from '../outbox/index.ts';
import type { Adapters } from './adapter.ts';
import { jobsOfRows, type DeliveryJob } from './delivery-job.ts';

/**
 * Notes changed levels for every enabled channel that wants them (also a paused one) and returns
 * the jobs to insert in the same transaction. A listing that waits for a job already gets no second
 * one: a burst on one SKU costs one call, and a dead channel does not pile up jobs.
 *
 * The channels are read here, in the relay's transaction: a change that is committed after a
 * channel was created cannot miss it. What was relayed before is found by the channel's own run
 * over all levels.
 *
 * @param levels each level once, in lock order
 */
export async function markListings(
  tx: Tx,
  adapters: Adapters,
  levels: readonly ChangedLevel[],
): Promise<readonly DeliveryJob[]> {
  if (levels.length === 0) return [];
  const { rows } = await sql<{
    merchant_id: string;
    channel_id: string;
    queue: string;
    job_id: string;
    sku: string;
    location_id: string;
  }>`${sql.raw(plannedOnce)}
    select * from listing_mark(
      ${textArray(levels.map((level) => level.merchantId))}::text[],
      ${textArray(levels.map((level) => level.sku))}::text[],
      ${textArray(levels.map((level) => level.storeId))}::text[],
      ${numberArray(levels.map((level) => level.version))}::bigint[],
      ${timeArray(levels.map((level) => level.oldestRecordedAt))}::timestamptz[],
      ${JSON.stringify(batchSizes(adapters))}::jsonb)`.execute(tx);
  return jobsOfRows(
    rows.map((row) => ({
      merchantId: row.merchant_id,
      channelId: row.channel_id,
      queue: row.queue,
      jobId: row.job_id,
      sku: row.sku,
      storeId: row.location_id,
    })),
  );
}

function batchSizes(adapters: Adapters): Record<string, number> {
  return Object.fromEntries([...adapters].map(([kind, adapter]) => [kind, adapter.maxBatch]));
}

import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Tx } from '../db/index.ts';
import type { ChannelRow } from './channel.ts';
import { jobsOfRows, type DeliveryJob } from './delivery-job.ts';
import { moveCarried } from './stored-calls.ts';

/**
 * Gives what jobs had to do to new jobs, which the caller inserts in place of the old ones. Calls
 * that the old ones made may still be under way somewhere: nothing of them is recorded any more,
 * and those that are stored are repeated by the new ones.
 * @param attempts calls made for each job so far, kept as part of the delivery's history
 */
export async function replaceJobs(
  tx: Tx,
  channel: ChannelRow,
  jobs: readonly (DeliveryJob & { readonly attempts: number })[],
): Promise<readonly DeliveryJob[]> {
  const nextIds = new Map(jobs.map(({ jobId }) => [jobId, randomUUID()]));
  const rows = jobs
    .flatMap(({ jobId, listings }) => listings.map(([sku, storeId]) => ({ jobId, sku, storeId })))
    .toSorted(bySkuAndStore);
  if (rows.length === 0) return [];
  const moved = await sql<{ job_id: string; sku: string; location_id: string }>`
    select * from listing_reassign(${channel.merchant_id}, ${channel.channel_id},
      ${rows.map((row) => row.jobId)}::uuid[],
      ${rows.map((row) => nextIds.get(row.jobId) ?? null)}::uuid[],
      ${rows.map((row) => row.sku)}::text[], ${rows.map((row) => row.storeId)}::text[])
  `.execute(tx);
  await moveCarried(tx, channel, nextIds);
  const left = new Map<string, [string, string][]>();
  for (const row of moved.rows) {
    const listings = left.get(row.job_id) ?? [];
    listings.push([row.sku, row.location_id]);
    left.set(row.job_id, listings);
  }
  return jobs.flatMap(({ attempts, ...job }) => {
    const jobId = nextIds.get(job.jobId) ?? '';
    const listings = left.get(jobId);
    return listings === undefined
      ? []
      : [{ ...job, jobId, listings, attemptsBefore: attempts, isAlone: true }];
  });
}

export type Redriven = {
  /** To insert in the same transaction. */
  readonly jobs: readonly DeliveryJob[];
  /** Dead jobs whose copies in the dead-letter queue are of no use any more. */
  readonly deadJobIds: readonly string[];
};

/** Queues what dead letters marked for redrive stand for, at most 100 of them. */
export async function takeRedriven(tx: Tx, channel: ChannelRow): Promise<Redriven> {
  const { rows } = await sql<{
    delivery_id: string;
    dead_job_id: string;
    job_id: string | null;
    sku: string | null;
    location_id: string | null;
  }>`
    select * from listing_redrive(${channel.merchant_id}, ${channel.channel_id})`.execute(tx);
  const owner = {
    merchantId: channel.merchant_id,
    channelId: channel.channel_id,
    queue: channel.queue,
  };
  const jobs = jobsOfRows(
    rows.flatMap(({ job_id: jobId, sku, location_id: storeId }) =>
      jobId === null || sku === null || storeId === null ? [] : [{ ...owner, jobId, sku, storeId }],
    ),
    true,
  );
  return { jobs, deadJobIds: [...new Set(rows.map((row) => row.dead_job_id))] };
}

/** The order in which listings are locked. */
export function bySkuAndStore(
  a: { readonly sku: string; readonly storeId: string },
  b: { readonly sku: string; readonly storeId: string },
): number {
  // Byte order of UTF-8, as the database's collation "C" has it.
  return (
    Buffer.compare(Buffer.from(a.sku), Buffer.from(b.sku)) ||
    Buffer.compare(Buffer.from(a.storeId), Buffer.from(b.storeId))
  );
}

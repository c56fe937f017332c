import { randomUUID } from 'node:crypto';
import { newId } from '../ids.ts';

/** One SKU at one store, short: a job may carry many. */
export type ListingKey = readonly [sku: string, storeId: string];

/** Work to do: bring these listings of a channel up to date. What is sent is decided then. */
export type DeliveryJob = {
  /** UUID; a listing names the one job that may work on it. */
  readonly jobId: string;
  readonly merchantId: string;
  readonly channelId: string;
  readonly queue: string;
  readonly deliveryId: string;
  readonly listings: readonly ListingKey[];
  /** Calls made for the delivery before this job took it over. */
  readonly attemptsBefore: number;
  /** Attempts that earlier jobs spent on the same listings: they count against the limit. */
  readonly spent: number;
  /** Shares no call with other jobs: unchanged figures have to keep their message id. */
  readonly isAlone: boolean;
};

export type JobOwner = Pick<DeliveryJob, 'merchantId' | 'channelId' | 'queue'>;

/** A new job for listings that name it already. */
export function newDeliveryJob(
  owner: JobOwner,
  listings: readonly ListingKey[],
  jobId: string = randomUUID(),
  isAlone = false,
): DeliveryJob {
  const { merchantId, channelId, queue } = owner;
  const deliveryId = newId('dlv');
  const attempts = { attemptsBefore: 0, spent: 0 };
  return { jobId, merchantId, channelId, queue, deliveryId, listings, ...attempts, isAlone };
}

/** Jobs from rows that each name a listing and its job. */
export function jobsOfRows(
  rows: readonly (JobOwner & { jobId: string; sku: string; storeId: string })[],
  isAlone = false,
): readonly DeliveryJob[] {
  const groups = new Map<string, { owner: JobOwner; listings: ListingKey[] }>();
  for (const { jobId, sku, storeId, ...owner } of rows) {
    const group = groups.get(jobId);
    if (group === undefined) groups.set(jobId, { owner, listings: [[sku, storeId]] });
    else group.listings.push([sku, storeId]);
  }
  return [...groups].map(([jobId, { owner, listings }]) =>
    newDeliveryJob(owner, listings, jobId, isAlone),
  );
}

import { sql } from 'kysely';
import { fromKysely, type PgBoss } from 'pg-boss';
import { deadLetterQueue, type DeliveryJob, type RetrySettings } from '../channels/index.ts';
import { plannedOnce, together, type Db, type Tx } from '../db/index.ts';

/** What stands in a job's data; the rest of a DeliveryJob are pg-boss's own columns. */
type JobData = Omit<DeliveryJob, 'jobId' | 'queue'>;

/** A job this process has claimed, with how often it failed before. */
export type ClaimedJob = DeliveryJob & {
  readonly retryCount: number;
  /** By performance.now(). */
  readonly claimedAt: number;
};

/** Undelivered jobs are never deleted unseen. */
const retentionSeconds = 10 * 365 * 86_400;
/** Finished jobs can be looked at for so long; the record that stays is the delivery. */
const keepFinishedSeconds = 600;
/** A net under the leases: pg-boss takes a job back that was claimed so long ago. */
const expireSeconds = 900;
const unlimited = 2_147_483_647;

/**
 * Delivery jobs in pg-boss: one queue for each channel, with a dead-letter queue of its own. What
 * pg-boss's interface does not offer (a retry to the millisecond, giving a claim back, the claims
 * of a dead process) is done to its table here and nowhere else.
 */
export class DeliveryQueue {
  readonly #boss: PgBoss;
  readonly #retry: RetrySettings;
  readonly #known = new Set<string>();

  constructor(boss: PgBoss, retry: RetrySettings) {
    this.#boss = boss;
    this.#retry = retry;
  }

  /**
   * Inserts jobs; they exist once `tx` has committed.
   * @param delayMs how long until they are due
   */
  async insert(tx: Tx, jobs: readonly DeliveryJob[], delayMs = 0): Promise<void> {
    const { maxAttempts, deadLetters } = this.#retry;
    const byQueue = Map.groupBy(jobs, (job) => job.queue);
    for (const queue of byQueue.keys()) await this.#ensure(queue);
    const insert = async (queue: string, group: readonly DeliveryJob[]): Promise<void> => {
      const retryLimit = deadLetters ? maxAttempts - 1 : unlimited;
      const startAfter = delayMs === 0 ? {} : { startAfter: `${delayMs} milliseconds` };
      const rows = group.map((job) => ({
        id: job.jobId,
        data: dataOf(job),
        retryLimit,
        ...startAfter,
      }));
      try {
        const options = { db: plannedOnceIn(tx), returnId: true };
        const made = await this.#boss.insert(queue, rows, options);
        // Without its queue no job is made, and nobody says so.
        if (made?.length !== rows.length) await this.#expectQueue(tx, queue);
      } catch (error) {
        // It may have been deleted together with an older channel of the same name.
        this.#known.clear();
        throw error;
      }
    };
    await together([...byQueue].map(([queue, group]) => insert(queue, group)));
  }

  /** Claims up to `limit` jobs that are due, oldest first. */
  async claim(db: Db, queue: string, limit: number): Promise<readonly ClaimedJob[]> {
    if (!this.#known.has(queue)) await this.#ensure(queue);
    const options = { batchSize: limit, db: plannedOnceIn(db) };
    const jobs = await this.#boss.fetch<JobData>(queue, options);
    return jobs.map(({ id, data, retryCount }) => claimed(id, queue, data, retryCount));
  }

  /** Lets jobs of which no call was made join another: it has their listings from now on. */
  async join(tx: Tx, job: ClaimedJob, joining: readonly ClaimedJob[]): Promise<void> {
    await this.remove(tx, job.queue, joining);
    await sql`
      update pgboss.job set data = ${JSON.stringify(dataOf(job))}::jsonb
      where name = ${job.queue} and id = ${job.jobId}`.execute(tx);
  }

  /**
   * Puts jobs back until later, as if they had not been claimed: no attempt is spent.
   * @param deferred with how many attempts were written down for each meanwhile
   */
  async defer(
    tx: Tx,
    deferred: readonly { readonly job: ClaimedJob; readonly ms: number; attempts: number }[],
  ): Promise<void> {
    for (const { job, ms, attempts } of deferred) {
      const attemptsBefore = job.attemptsBefore + attempts;
      const data = JSON.stringify(dataOf({ ...job, attemptsBefore }));
      await sql`
        update pgboss.job
        set state = 'created', started_on = null, heartbeat_on = null, data = ${data}::jsonb,
            start_after = now() + ${ms} * interval '1 millisecond'
        where name = ${job.queue} and id = ${job.jobId} and state = 'active'
          and retry_count = ${job.retryCount}`.execute(tx);
    }
  }

  async complete(tx: Tx, queue: string, jobs: readonly ClaimedJob[]): Promise<void> {
    if (jobs.length === 0) return;
    const attempts = jobs.map(({ jobId, retryCount }) => ({ id: jobId, retryCount }));
    await this.#boss.complete(queue, attempts, null, { db: plannedOnceIn(tx) });
  }

  /**
   * Fails a job's attempt: it is due again after `retryMs`, or, without, goes to the dead-letter
   * queue. How many attempts it has is the caller's decision: the channel's setting may have
   * changed since the job was made.
   */
  async fail(
    tx: Tx,
    job: ClaimedJob,
    retryMs: number | undefined,
    output: { readonly code: string },
  ): Promise<void> {
    const db = fromKysely(tx);
    const isLast = retryMs === undefined;
    await sql`
      update pgboss.job
      set retry_limit = case when ${isLast} then retry_count
        else greatest(retry_limit, retry_count + 1) end
      where name = ${job.queue} and id = ${job.jobId} and state = 'active'
        and retry_count = ${job.retryCount}`.execute(tx);
    const attempt = { id: job.jobId, retryCount: job.retryCount };
    await this.#boss.fail(job.queue, attempt, output, { db });
    if (isLast) return;
    // pg-boss's own delays are whole seconds; its clock for this one is the database's.
    const startAfter = Number((retryMs / 1000).toFixed(3));
    await this.#boss.update(job.queue, undefined, { id: job.jobId, startAfter, db });
  }

  /** Gives claims back as if they had never been made. */
  async giveBack(db: Db, queue: string, jobs: readonly ClaimedJob[]): Promise<void> {
    if (jobs.length === 0) return;
    await sql`
      update pgboss.job set state = 'created', started_on = null, heartbeat_on = null
      where name = ${queue} and id = any (${jobs.map(({ jobId }) => jobId)}::uuid[])
        and state = 'active'`.execute(db);
  }

  /**
   * Claims of a queue that nobody works on, for their channel's leader: those of the leader before,
   * or after `olderThanMs` those whose claim never reached this process.
   */
  async orphans(
    tx: Tx,
    queue: string,
    working: readonly string[],
    olderThanMs: number,
  ): Promise<readonly ClaimedJob[]> {
    const { rows } = await sql<{ id: string; data: JobData; retry_count: number }>`
      select id, data, retry_count from pgboss.job
      where name = ${queue} and state = 'active' and not (id = any (${[...working]}::uuid[]))
        and started_on <= now() - ${olderThanMs} * interval '1 millisecond'
      for update`.execute(tx);
    return rows.map(({ id, data, retry_count: retryCount }) =>
      claimed(id, queue, data, retryCount),
    );
  }

  async remove(tx: Tx, queue: string, jobs: readonly ClaimedJob[]): Promise<void> {
    if (jobs.length === 0) return;
    const ids = jobs.map(({ jobId }) => jobId);
    await this.#boss.deleteJob(queue, ids, { db: fromKysely(tx) });
  }

  /** Removes the dead-letter copies of jobs. */
  async removeDead(tx: Tx, queue: string, jobIds: readonly string[]): Promise<void> {
    if (jobIds.length === 0) return;
    await sql`
      delete from pgboss.job
      where name = ${deadLetterQueue(queue)} and source_id = any (${[...jobIds]}::uuid[])
    `.execute(tx);
  }

  /**
   * How many jobs of a queue wait to be claimed (at most 10,000 are counted), and how long the
   * oldest has been due, or was made if it failed before, in ms.
   */
  async measure(
    db: Db,
    queue: string,
  ): Promise<{ readonly waiting: number; readonly lagMs: number }> {
    const { rows } = await sql<{ waiting: number; lag_ms: number }>`
      select count(*)::integer as waiting,
        coalesce(extract(epoch from now() - min(
          case when retry_count > 0 then created_on else greatest(created_on, start_after) end)
        ) * 1000, 0)::double precision as lag_ms
      from (
        select created_on, retry_count, start_after from pgboss.job
        where name = ${queue} and state < 'active' limit 10000) j`.execute(db);
    const { waiting, lag_ms: lagMs } = rows[0] ?? { waiting: 0, lag_ms: 0 };
    return { waiting, lagMs: Math.max(lagMs, 0) };
  }

  /** Those of the queues that have a job that is due. One query, however many queues. */
  async due(db: Db, queues: readonly string[]): Promise<readonly string[]> {
    const { rows } = await sql<{ queue: string }>`
      select q.queue from unnest(${[...queues]}::text[]) as q(queue)
      where exists (
        select from pgboss.job j
        where j.name = q.queue and j.state < 'active' and not j.blocked
          and j.start_after <= now())`.execute(db);
    return rows.map((row) => row.queue);
  }

  /**
   * Deletes the queues of channels that are gone, with what is left in them.
   * @param listWanted the queues of the channels that there are; asked for after the queues, so
   *   that a channel that is made meanwhile keeps its own
   */
  async deleteAbandoned(listWanted: () => Promise<readonly string[]>): Promise<void> {
    const all = await this.#boss.getQueues();
    const queues = await listWanted();
    const wanted = new Set(queues.flatMap((queue) => [queue, deadLetterQueue(queue)]));
    const abandoned = all
      .map(({ name }) => name)
      .filter((name) => name.startsWith('channel.') && !wanted.has(name));
    // The queue before its dead-letter queue, which it refers to.
    for (const name of abandoned.toSorted((a, b) => a.length - b.length)) {
      this.#known.delete(name);
      await this.#boss.deleteQueue(name);
    }
  }

  async #expectQueue(tx: Tx, queue: string): Promise<void> {
    const { rows } = await sql`select from pgboss.queue where name = ${queue}`.execute(tx);
    if (rows.length === 0) throw new Error(`the queue ${queue} was deleted`);
  }

  async #ensure(queue: string): Promise<void> {
    if (this.#known.has(queue)) return;
    const options = {
      retryDelay: 0,
      retentionSeconds,
      deleteAfterSeconds: keepFinishedSeconds,
      expireInSeconds: expireSeconds,
    };
    const deadLetter = deadLetterQueue(queue);
    await this.#boss.createQueue(deadLetter, options);
    await this.#boss.createQueue(queue, { ...options, deadLetter });
    this.#known.add(queue);
  }
}

/** A database as pg-boss takes it, for a statement whose plan may be kept. */
function plannedOnceIn(db: Db): ReturnType<typeof fromKysely> {
  const given = fromKysely(db);
  return { executeSql: (text, values) => given.executeSql(`${plannedOnce}${text}`, values) };
}

function dataOf(job: DeliveryJob): JobData {
  const { merchantId, channelId, deliveryId, listings, attemptsBefore, spent, isAlone } = job;
  return { merchantId, channelId, deliveryId, listings, attemptsBefore, spent, isAlone };
}

/** A job as it stands in the table; those made before `spent` was counted have spent nothing. */
function claimed(
  jobId: string,
  queue: string,
  data: Omit<JobData, 'spent'> & { readonly spent?: number },
  retryCount: number,
): ClaimedJob {
  return { spent: 0, ...data, jobId, queue, retryCount, claimedAt: performance.now() };
}

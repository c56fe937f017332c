import {
  dropOperations,
  planEntries,
  planLatest,
  planRules,
  readOperations,
  readStoredCalls,
  type DueListing,
  type KnownOperation,
  type StoredCall,
} from '../channels/index.ts';
import { together } from '../db/index.ts';
import { confirmOperations } from './confirm-operations.ts';
import type { ClaimedJob } from './delivery-queue.ts';
import { makeCall, type CallsInput, type ReadClock } from './make-call.ts';
import { readDue } from './read-due.ts';
import { emptyDraft } from './verdict.ts';

type Carried = {
  readonly stored: ReadonlyMap<string, StoredCall>;
  readonly operations: ReadonlyMap<string, readonly KnownOperation[]>;
};

/**
 * Works claimed jobs: one read for all of them, then their calls, each recorded when it ends. Jobs
 * with a call that is not answered repeat it, and jobs that wait for an operation ask for it.
 * @returns jobs for which no call was made, to be given back
 */
export async function makeCalls(input: CallsInput): Promise<readonly ClaimedJob[]> {
  const { adapter, jobs } = input;
  const read = await readDue(input);
  if (read === undefined) return jobs;
  const { due, clock } = read;
  const current = { ...input, channel: read.channel };
  const carried = await readCarried(current);
  const byJob = Map.groupBy(due, ({ jobId }) => jobId);
  const fresh: ClaimedJob[] = [];
  const work: Promise<readonly ClaimedJob[]>[] = [];
  for (const job of jobs) {
    const stored = carried.stored.get(job.jobId);
    const operations = carried.operations.get(job.jobId);
    if (stored === undefined && operations === undefined) fresh.push(job);
    else if (!byJob.has(job.jobId)) work.push(forget(current, job, operations ?? []));
    else if (operations !== undefined) {
      work.push(confirmOperations(current, job, operations, clock));
    } else if (stored !== undefined) {
      const call = { jobs: [job], steps: stored.steps, readAt: stored.readAt };
      work.push(makeCall(current, call, clock, stored.messageId));
    }
  }
  for (const group of groupJobs(fresh, byJob, adapter.maxBatch, isStoring(current))) {
    const listings = group.flatMap((job) => byJob.get(job.jobId) ?? []);
    work.push(callFor(current, group, listings, clock));
  }
  // Also when one fails: a job whose call is under way must not be given back.
  return (await together(work)).flat();
}

function isStoring({ adapter }: CallsInput): boolean {
  return adapter.capabilities.idempotency !== 'none';
}

/** What jobs carry from calls before. Adapters that have nothing of the kind pay nothing for it. */
async function readCarried(input: CallsInput): Promise<Carried> {
  const { context, adapter, channel, jobs } = input;
  const ids = jobs.map(({ jobId }) => jobId);
  const [stored, operations] = await Promise.all([
    isStoring(input) ? readStoredCalls(context.db, channel, ids) : new Map<string, StoredCall>(),
    adapter.confirm === undefined
      ? new Map<string, readonly KnownOperation[]>()
      : readOperations(context.db, channel, ids),
  ]);
  // Whoever is called now knows nothing of calls to somebody else.
  const address = adapter.address(channel.config);
  const foreign = [...operations.values()].flat().filter((known) => known.address !== address);
  if (foreign.length > 0) {
    await context.db.transaction().execute((tx) => dropOperations(tx, channel, foreign));
  }
  return {
    stored: new Map([...stored].filter(([, call]) => call.address === address)),
    operations: new Map(
      [...operations].filter(([, known]) => known.every((one) => one.address === address)),
    ),
  };
}

/** A job whose listings are somebody else's by now: what it carries is of no use any more. */
async function forget(
  input: CallsInput,
  job: ClaimedJob,
  operations: readonly KnownOperation[],
): Promise<readonly ClaimedJob[]> {
  const draft = emptyDraft();
  draft.completed.push(job);
  draft.answered.push(job.jobId);
  draft.confirmed.push(...operations);
  await input.settle({ ...draft, readAt: new Date() });
  return [];
}

async function callFor(
  input: CallsInput,
  jobs: readonly ClaimedJob[],
  due: readonly DueListing[],
  clock: ReadClock,
): Promise<readonly ClaimedJob[]> {
  const { context, adapter, channel } = input;
  const rules = planRules(channel, input.isLagging);
  const steps =
    channel.mode === 'latest'
      ? due.map((listing) => planLatest(listing, rules))
      : await planEntries(context.db, channel, due, rules, adapter.maxBatch);
  return await makeCall(input, { jobs, steps, readAt: clock.readAt }, clock);
}

/**
 * Jobs that share a call. Only first attempts do: what is tried again keeps its content, and with
 * it its message id. Jobs that share a stored call become one, so none may have a history.
 */
function groupJobs(
  jobs: readonly ClaimedJob[],
  byJob: ReadonlyMap<string, readonly DueListing[]>,
  maxBatch: number,
  isStored: boolean,
): readonly (readonly ClaimedJob[])[] {
  const groups: ClaimedJob[][] = [];
  let open: ClaimedJob[] | undefined;
  let size = 0;
  for (const job of jobs) {
    const count = byJob.get(job.jobId)?.length ?? 0;
    const hasHistory = isStored && job.attemptsBefore > 0;
    if (job.retryCount > 0 || job.isAlone || hasHistory) groups.push([job]);
    else if (open !== undefined && size + count <= maxBatch) {
      open.push(job);
      size += count;
    } else {
      open = [job];
      size = count;
      groups.push(open);
    }
  }
  return groups;
}

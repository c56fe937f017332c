import {
  giveBackRevisions,
  spendRevisions,
  type ChannelAdapter,
  type ChannelRow,
  type Revision,
  type Step,
  type WaitingListing,
} from '../channels/index.ts';
import type { Call } from './judge.ts';
import type { WorkerContext } from './worker-context.ts';

/** What of a call may go out by the channel's budgets. */
export type Affordable = {
  readonly call: Call;
  /** Listings that are not in the call any more. */
  readonly waiting: readonly WaitingListing[];
  /** To be called where the channel says that nothing was done. */
  readonly giveBack: () => Promise<void>;
};

/**
 * Counts what a call revises before it is made, where the channel lets a listing be revised only so
 * often: listings whose budget does not allow it now leave the call.
 */
export async function spendBudget(
  about: {
    readonly context: WorkerContext;
    readonly adapter: ChannelAdapter;
    readonly channel: ChannelRow;
  },
  call: Call,
): Promise<Affordable> {
  const { context, adapter, channel } = about;
  const free = { call, waiting: [], giveBack: () => Promise.resolve() };
  const counted = call.steps.flatMap((step): Counted[] => {
    const subject = adapter.revisions?.subject(step.changes[0]?.externalIds) ?? null;
    return subject === null || step.changes.length === 0
      ? []
      : [{ step, ...revisionOf(step, subject) }];
  });
  if (adapter.revisions === undefined || counted.length === 0) return free;
  const limit = adapter.revisions.limit(channel.config);
  const { offsetMs } = context.clock;
  const { waitUntil, days } = await spendRevisions(context.db, channel, limit, counted, offsetMs);
  const going = counted.filter((_, index) => waitUntil[index] === null);
  const waiting = counted.flatMap(({ step: { settlement } }, index): WaitingListing[] => {
    const until = waitUntil[index] ?? null;
    return until === null ? [] : [{ ...settlement, until }];
  });
  const left = new Set(counted.filter((one) => !going.includes(one)).map(({ step }) => step));
  return {
    call: { ...call, steps: call.steps.filter((step) => !left.has(step)) },
    waiting,
    giveBack: () => giveBackRevisions(context.db, channel, going, days),
  };
}

type Counted = Revision & { readonly step: Step };

/** What comes last is what is shown: nothing, where there was something. */
function revisionOf({ changes }: Step, subject: string): Revision {
  const isToZero = changes.at(-1)?.available === 0 && changes[0]?.previous !== 0;
  return { subject, count: changes.length, isToZero };
}

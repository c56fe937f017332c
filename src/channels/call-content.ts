import type { Step } from './plan-call.ts';

/** What a call says and what follows when it succeeds, as it is kept. */
export type CallContent = {
  readonly steps: readonly Step[];
  /** When its figures were read. */
  readonly readAt: Date;
  /** Who was called: to anybody else it means nothing. */
  readonly address: string;
};

export function writeContent({ steps, readAt, address }: CallContent): string {
  return JSON.stringify({ steps, readAt, address });
}

/** What was written, with its times. The changes are the same to the order of their members. */
export function readContent(content: unknown): CallContent {
  // Only writeContent writes it, and its times are the only thing that JSON has no word for.
  const { steps, readAt, address } = content as CallContent;
  return {
    address,
    readAt: new Date(readAt),
    steps: steps.map((step) => ({
      ...step,
      settlement: {
        ...step.settlement,
        pendingSince: timeOf(step.settlement.pendingSince),
      },
      changes: step.changes.map((change) => ({
        ...change,
        recordedAt: new Date(change.recordedAt),
      })),
    })),
  };
}

function timeOf(value: Date | null): Date | null {
  return value === null ? null : new Date(value);
}

/** The same content for another job: that of the leader before, or of one that joined it. */
export function contentOfJob(content: CallContent, jobId: string): CallContent {
  const steps = content.steps.map((step) => ({
    ...step,
    settlement: { ...step.settlement, jobId },
  }));
  return { ...content, steps };
}

import { setTimeout } from 'node:timers/promises';
import type { Command, Outcome } from '../stock/index.ts';
import type { Services } from './context.ts';
import type { Reply } from './reply.ts';

/** How long a repeat waits for the first request with its key, and how often it looks. */
export const inProgressWaitMs = 10_000;
export const inProgressPollMs = 50;

/** Applies a command; a repeat waits a while for the first request with its key. */
export async function submitCommand(services: Services, command: Command): Promise<Outcome> {
  const deadline = performance.now() + inProgressWaitMs;
  for (;;) {
    const outcome = await services.writer.submitOne(command);
    const inProgress =
      outcome.kind === 'refused' && outcome.refusal.code === 'IDEMPOTENCY.IN_PROGRESS';
    if (!inProgress || performance.now() > deadline) return outcome;
    await setTimeout(inProgressPollMs);
  }
}

/** What a command came to, as a reply. */
export function replyOf(outcome: Outcome): Reply {
  if (outcome.kind === 'refused') return outcome.refusal;
  const { status, body } = outcome.answer;
  return outcome.kind === 'replayed' ? { status, body, replayed: true } : { status, body };
}

/** The same for a command that is answered with a level, whose version becomes the ETag. */
export function levelReplyOf(outcome: Outcome): Reply {
  if (outcome.kind === 'refused') return outcome.refusal;
  const { status, body } = outcome.answer;
  return { status, body, version: versionIn(body), replayed: outcome.kind === 'replayed' };
}

const versionMember = '"version":';

/** The version of the level in a body. A text in it cannot look so: its quotes are escaped. */
export function versionIn(body: string): number {
  return Number.parseInt(body.slice(body.lastIndexOf(versionMember) + versionMember.length), 10);
}

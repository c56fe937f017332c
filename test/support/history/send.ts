import { setTimeout } from 'node:timers/promises';
import { outcomesOf, type Answer, type Call } from './call.ts';
import type { Operation, Outcome } from './operation.ts';

export type Sender = {
  /** Where the services are at this moment: a request that is sent again goes to the next one. */
  readonly targets: () => readonly string[];
  readonly apiKey: string;
  /** A request that takes longer has no answer. */
  readonly requestTimeoutMs: number;
  /** How long a request with a key is sent again until it is answered. */
  readonly settleTimeoutMs: number;
};

/** How a call went: with an answer, or with the reason why there is none. */
type Attempt = Answer | { readonly status: undefined; readonly why: string };

/** Milliseconds since 1970, from a clock that never goes back. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

const retryMs = 20;

async function attempt(call: Call, url: string | undefined, sender: Sender): Promise<Attempt> {
  if (url === undefined) return { status: undefined, why: 'no service is there' };
  try {
    const response = await fetch(`${url}${call.path}`, {
      method: call.method,
      headers: {
        authorization: `Bearer ${sender.apiKey}`,
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(call.key === undefined ? {} : { 'idempotency-key': call.key }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      signal: AbortSignal.timeout(sender.requestTimeoutMs),
    });
    const text = await response.text();
    const { status } = response;
    const body = JSON.parse(text) as Answer['body'];
    const isOpen = status >= 500 || status === 429 || body['code'] === 'IDEMPOTENCY.IN_PROGRESS';
    return isOpen
      ? { status: undefined, why: `${status} ${String(body['code'])}` }
      : { status, text, body };
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return { status: undefined, why: String(cause) };
  }
}

export type Sent = Pick<Operation, 'startMs' | 'endMs' | 'attempts' | 'unknownAttempts'> & {
  readonly answer: Answer | undefined;
  readonly outcomes: readonly Outcome[];
};

/**
 * Sends a request. Where nobody knows what became of it and it has keys, it is sent again, to each
 * service in turn, until it is answered.
 * @param turn which service is first
 */
export async function send(call: Call, turn: number, sender: Sender): Promise<Sent> {
  const startMs = nowMs();
  const canRepeat = call.parts.every(({ hasKey }) => hasKey);
  for (let attempts = 1; ; attempts += 1) {
    const targets = sender.targets();
    const answer = await attempt(call, targets[(turn + attempts - 1) % targets.length], sender);
    const endMs = nowMs();
    if (answer.status !== undefined) {
      const outcomes = outcomesOf(call, answer);
      return { startMs, endMs, attempts, unknownAttempts: attempts - 1, answer, outcomes };
    }
    if (!canRepeat || endMs - startMs > sender.settleTimeoutMs) {
      const unknown: Outcome = { kind: 'unknown', why: answer.why };
      const outcomes = call.parts.map(() => unknown);
      const unknownAttempts = attempts;
      return { startMs, endMs, attempts, unknownAttempts, answer: undefined, outcomes };
    }
    await setTimeout(retryMs);
  }
}

/**
 * Sends a request that has a key to two services at once. One success is the outcome; two that
 * differ are noted.
 */
export async function sendTwice(
  call: Call,
  turn: number,
  sender: Sender,
): Promise<Sent & { readonly differing?: string }> {
  const both = await Promise.all([send(call, turn, sender), send(call, turn + 1, sender)]);
  const rank = ({ answer }: Sent): number =>
    answer === undefined ? 2 : answer.status < 300 ? 0 : 1;
  const [first, second] = rank(both[0]) <= rank(both[1]) ? both : [both[1], both[0]];
  const differs = rank(second) === 0 && first.answer?.text !== second.answer?.text;
  return {
    ...first,
    startMs: Math.min(first.startMs, second.startMs),
    endMs: Math.max(first.endMs, second.endMs),
    attempts: first.attempts + second.attempts,
    unknownAttempts: first.unknownAttempts + second.unknownAttempts,
    ...(differs ? { differing: `${first.answer?.text} and ${second.answer?.text}` } : {}),
  };
}

import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
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
type Attempt =
  | Answer
  | {
      readonly status: undefined;
      readonly why: string;
      /** Nobody was there to take it: certainly nothing was done. */
      readonly isUnsent: boolean;
    };

/** Milliseconds since 1970, from a clock that never goes back. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

const retryMs = 20;

async function attempt(call: Call, url: string | undefined, sender: Sender): Promise<Attempt> {
  if (url === undefined) return unsent;
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
      ? { status: undefined, why: `${status} ${String(body['code'])}`, isUnsent: false }
      : { status, text, body };
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    const isUnsent = codeOf(cause) === 'ECONNREFUSED';
    return { status: undefined, why: String(cause), isUnsent };
  }
}

const unsent: Attempt = { status: undefined, why: 'no service is there', isUnsent: true };

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

export type Sent = Pick<Operation, 'startMs' | 'endMs' | 'attempts' | 'unknownAttempts'> & {
  readonly answer: Answer | undefined;
  readonly outcomes: readonly Outcome[];
};

/**
 * Sends a request. Where nobody knows what became of it and it has keys, or where nobody was there
 * to take it, it is sent again, to each service in turn, until it is answered.
 * @param turn which service is first
 */
export async function send(call: Call, turn: number, sender: Sender): Promise<Sent> {
  const startMs = nowMs();
  const canRepeat = call.parts.every(({ hasKey }) => hasKey);
  let unknownAttempts = 0;
  for (let attempts = 1; ; attempts += 1) {
    const targets = sender.targets();
    const answer = await attempt(call, targets[(turn + attempts - 1) % targets.length], sender);
    const endMs = nowMs();
    if (answer.status !== undefined) {
      const outcomes = outcomesOf(call, answer);
      return { startMs, endMs, attempts, unknownAttempts, answer, outcomes };
    }
    if (!answer.isUnsent) unknownAttempts += 1;
    const mayRepeat = canRepeat || (answer.isUnsent && unknownAttempts === 0);
    if (!mayRepeat || endMs - startMs > sender.settleTimeoutMs) {
      const unknown: Outcome = { kind: 'unknown', why: answer.why };
      const outcomes = call.parts.map(() => unknown);
      return { startMs, endMs, attempts, unknownAttempts, answer: undefined, outcomes };
    }
    await setTimeout(retryMs);
  }
}

/**
 * Sends a request that has a key to two services at once. What one of them did is the outcome of
 * both; two successes that differ are noted.
 */
export async function sendTwice(
  call: Call,
  turn: number,
  sender: Sender,
): Promise<Sent & { readonly differing?: string }> {
  const both = await Promise.all([send(call, turn, sender), send(call, turn + 1, sender)]);
  const [first, second] = both;
  const pairs = first.outcomes.map((outcome, index) => [
    outcome,
    second.outcomes[index] ?? outcome,
  ]);
  const differing = pairs.find(
    (pair) => pair.every(({ kind }) => kind === 'ok') && !isDeepStrictEqual(pair[0], pair[1]),
  );
  const isOther = (call.bulk === undefined && isTextOther(first, second)) || differing;
  return {
    answer: first.answer ?? second.answer,
    outcomes: pairs.map(([one, other]) => better(one, other)),
    startMs: Math.min(first.startMs, second.startMs),
    endMs: Math.max(first.endMs, second.endMs),
    attempts: first.attempts + second.attempts,
    unknownAttempts: first.unknownAttempts + second.unknownAttempts,
    ...(isOther ? { differing: `${first.answer?.text} and ${second.answer?.text}` } : {}),
  };
}

/** Of one thing that was asked for twice: refusals are not remembered, so one may be refused. */
function better(one: Outcome | undefined, other: Outcome | undefined): Outcome {
  const none: Outcome = { kind: 'unknown', why: 'not in the answer' };
  const found = (kind: Outcome['kind']) => [one, other].find((outcome) => outcome?.kind === kind);
  return found('ok') ?? found('refused') ?? one ?? none;
}

/** Whether two successes are not the same byte for byte. */
function isTextOther({ answer: one }: Sent, { answer: other }: Sent): boolean {
  if (one === undefined || other === undefined) return false;
  return one.status < 300 && other.status < 300 && one.text !== other.text;
}

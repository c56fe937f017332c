import { setTimeout } from 'node:timers/promises';
import {
  claimKey,
  dropClaim,
  fingerprint,
  keepAnswer,
  type ClaimRequest,
} from '../idempotency/index.ts';
import { inProgressPollMs, inProgressWaitMs } from './command-reply.ts';
import type { Services } from './context.ts';
import type { Answered, Reply } from './reply.ts';

type Claimed = {
  readonly merchantId: string;
  readonly key: string;
  /** What makes the request this one: method, path, query and body. */
  readonly request: readonly unknown[];
  /** The answer holds a secret, and is stored encrypted. */
  readonly secret: boolean;
};

/**
 * Performs a request whose work is not one command of the writer, once for its key. Answers of
 * success are remembered; after a refusal or a fault a repeat may try again.
 * Refusals: IDEMPOTENCY.KEY_REUSED, IDEMPOTENCY.IN_PROGRESS (after waiting), those of `perform`.
 */
export async function performOnce(
  services: Services,
  claimed: Claimed,
  perform: () => Promise<Reply> | Reply,
): Promise<Reply> {
  const { db, config } = services;
  const request: ClaimRequest = {
    merchantId: claimed.merchantId,
    key: claimed.key,
    fingerprint: fingerprint(...claimed.request.map(canonical)),
    ttlSeconds: config.inventorySync.idempotency.ttlSeconds,
  };
  const claim = await claimOrWait(services, request);
  if (claim.kind === 'refused') return claim.refusal;
  if (claim.kind === 'replayed')
    return { ...restore(services, claimed, claim.answer), replayed: true };
  let reply: Reply;
  try {
    reply = await perform();
  } catch (error) {
    // Not awaited for its own sake: where the database is away, the lease ends the claim.
    await dropClaim(db, request, claim.token).catch(() => undefined);
    throw error;
  }
  if (reply.code === undefined && reply.status < 300) {
    await keepAnswer(db, request, claim.token, preserve(services, claimed, reply));
  } else {
    await dropClaim(db, request, claim.token);
  }
  return reply;
}

async function claimOrWait(services: Services, request: ClaimRequest) {
  const deadline = performance.now() + inProgressWaitMs;
  for (;;) {
    const claim = await claimKey(services.db, request);
    const inProgress = claim.kind === 'refused' && claim.refusal.code === 'IDEMPOTENCY.IN_PROGRESS';
    if (!inProgress || performance.now() > deadline) return claim;
    await setTimeout(inProgressPollMs);
  }
}

function contextOf({ merchantId, key }: Claimed): string {
  return JSON.stringify(['idempotency', merchantId, key]);
}

function preserve(services: Services, claimed: Claimed, { status, body }: Answered) {
  const text = typeof body === 'string' ? body : '';
  return {
    status,
    body: claimed.secret
      ? services.secretBox.seal(text, contextOf(claimed)).toString('base64')
      : text,
  };
}

function restore(
  services: Services,
  claimed: Claimed,
  { status, body }: { status: number; body: string },
): Answered {
  const text = claimed.secret
    ? services.secretBox.open(Buffer.from(body, 'base64'), contextOf(claimed))
    : body;
  return { status, body: text === '' ? null : text };
}

/** The same value with the members of its objects in one order. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([member, inner]) => [member, canonical(inner)]),
  );
}

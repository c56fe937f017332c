import type { Refusal } from '../errors.ts';

type ProblemKind = {
  readonly status: number;
  readonly title: string;
  /** Seconds after which the same request may succeed. */
  readonly retryAfter?: number;
};

function kind(status: number, title: string, retryAfter?: number): ProblemKind {
  return retryAfter === undefined ? { status, title } : { status, title, retryAfter };
}

/** Every code that a request can be refused with, and the status it is answered with. */
export const problemKinds: ReadonlyMap<string, ProblemKind> = new Map([
  ['REQUEST.MALFORMED', kind(400, 'The request cannot be read')],
  ['REQUEST.INVALID', kind(422, 'The request is not valid')],
  ['REQUEST.TOO_LARGE', kind(413, 'The request is too large')],
  ['REQUEST.HEADERS_TOO_LARGE', kind(431, 'The headers are too large')],
  ['REQUEST.TIMEOUT', kind(408, 'The request did not arrive in time')],
  ['REQUEST.EXPECTATION_FAILED', kind(417, 'The expectation cannot be met')],
  ['REQUEST.UNSUPPORTED_TYPE', kind(415, 'The content type is not supported')],
  ['ROUTE.NOT_FOUND', kind(404, 'There is no such route')],
  ['ROUTE.METHOD_NOT_ALLOWED', kind(405, 'The route does not have this method')],
  ['AUTH.MISSING', kind(401, 'A key is needed')],
  ['AUTH.INVALID', kind(401, 'The key is not valid')],
  ['AUTH.FORBIDDEN', kind(403, 'The key does not allow this')],
  ['RATE_LIMIT.EXCEEDED', kind(429, 'Too many requests')],
  ['LOAD.SHED', kind(503, 'Too much is waiting', 1)],
  ['DATABASE.UNAVAILABLE', kind(503, 'The database cannot be reached', 1)],
  ['STOCK.BUSY', kind(503, 'The change could not be committed in time', 1)],
  ['INTERNAL.FAULT', kind(500, 'Something went wrong here')],
  ['MERCHANT.NOT_FOUND', kind(404, 'There is no such merchant')],
  ['KEY.NOT_FOUND', kind(404, 'There is no such key')],
  ['STORE.NOT_FOUND', kind(404, 'There is no such store')],
  ['STOCK.NOT_FOUND', kind(404, 'There is no such stock level')],
  ['STOCK.INSUFFICIENT', kind(409, 'Not enough stock')],
  ['STOCK.OUT_OF_RANGE', kind(409, 'The figure would be too large')],
  ['STOCK.VERSION_CONFLICT', kind(409, 'The level has another version')],
  ['STOCK.PRECONDITION_FAILED', kind(412, 'The level has another version')],
  // All but the first are of the command line.
  ['LEDGER.ARCHIVED', kind(410, 'The entries of that time are archived')],
  ['LEDGER.FAULTY', kind(409, 'The month does not add up')],
  ['LEDGER.NEEDED', kind(409, 'The month is still needed')],
  ['LEDGER.CHANGED', kind(409, 'The month has changed meanwhile')],
  ['LEDGER.BUSY', kind(503, 'The ledger is in use', 1)],
  ['LEDGER.RESTORED_ALREADY', kind(409, 'The month is restored already')],
  ['LEDGER.FILE_DIFFERS', kind(409, 'The file is not the archive')],
  ['CHANNEL.DISCOVER_NOT_SUPPORTED', kind(422, 'The channel does not list what it sells')],
  ['MUTATIONS.REJECTED', kind(409, 'Nothing was applied')],
  ['MUTATIONS.NOT_APPLIED', kind(409, 'Another mutation was refused')],
  ['IDEMPOTENCY.KEY_REUSED', kind(422, 'The key was used for another request')],
  ['IDEMPOTENCY.IN_PROGRESS', kind(409, 'The first request is still at work', 1)],
  ['RESERVATION.NOT_FOUND', kind(404, 'There is no such reservation')],
  ['RESERVATION.NOT_ACTIVE', kind(409, 'The reservation is not active')],
  ['RESERVATION.EXPIRED', kind(409, 'The reservation has expired')],
  ['ORDER.NOT_FOUND', kind(404, 'There is no such order')],
  ['ORDER.CANCELLED', kind(409, 'The order was cancelled')],
  ['ORDER.LINES_DIFFER', kind(409, 'The order has other lines')],
  ['CHANNEL.NOT_FOUND', kind(404, 'There is no such channel')],
  ['CHANNEL.UNKNOWN_KIND', kind(422, 'There is no such kind of channel')],
  ['CHANNEL.KIND_CHANGED', kind(409, 'A channel keeps its kind')],
  ['CHANNEL.CREDENTIALS_MISSING', kind(422, 'The channel needs credentials')],
  ['CHANNEL.INVALID', kind(422, 'The channel cannot be set so')],
  ['SOURCE.NOT_FOUND', kind(404, 'There is no such source')],
  ['SOURCE.UNKNOWN_KIND', kind(422, 'There is no such kind of source')],
  ['SOURCE.INVALID', kind(422, 'The source cannot be set so')],
  ['SOURCE.KIND_CHANGED', kind(409, 'A source keeps its kind')],
  ['SOURCE.OWNED_BY_OTHER', kind(409, 'The quantity belongs to another source')],
  ['SOURCE.RUN_IN_PROGRESS', kind(409, 'A run of the source is under way', 1)],
  ['SOURCE.DISABLED', kind(409, 'The source is disabled')],
  ['QUARANTINE.NOT_FOUND', kind(404, 'There is no such report in quarantine')],
  ['QUARANTINE.DECIDED', kind(409, 'It was decided already')],
  ['WEBHOOK.SIGNATURE_INVALID', kind(401, 'The webhook is not signed by the channel')],
  ['WEBHOOK.NOT_FOUND', kind(404, 'There is no such webhook')],
  ['QUESTION.NOT_FOUND', kind(404, 'There is no such question')],
  ['CHANNEL.VERIFY_NOT_SUPPORTED', kind(422, 'This kind of channel cannot be asked')],
  ['LISTING.INVALID', kind(422, 'The listings cannot be set so')],
  ['LISTING.NOT_FOUND', kind(404, 'There is no such listing')],
  ['SAFETY_BUFFER.NOT_FOUND', kind(404, 'There is no such rule of safety stock')],
  ['SAFETY_BUFFER.SCOPE_INVALID', kind(422, 'A rule cannot be for this')],
  ['RECONCILIATION.NOT_FOUND', kind(404, 'There is no such run')],
  ['DRIFT.NOT_FOUND', kind(404, 'There is no such drift')],
  ['DRIFT.NOT_PENDING', kind(409, 'Nothing is to be decided')],
  ['EVENT.UNKNOWN_TYPE', kind(422, 'There is no such type of event')],
]);

const unknownKind = kind(409, 'The request was refused');

/** The status and title of a code. A code that nobody entered here is a conflict with what is. */
export function kindOf(code: string): ProblemKind {
  return problemKinds.get(code) ?? unknownKind;
}

/** The document of RFC 9457 for a refusal. Figures of the refusal are members of it. */
export function problemDocument(
  refusal: Refusal,
  request: { readonly instance: string; readonly requestId: string },
): string {
  const { status, title } = kindOf(refusal.code);
  return JSON.stringify({
    // First, so that no figure of a refusal can take the place of a member of the standard.
    ...refusal.data,
    type: `urn:onhand:problem:${refusal.code}`,
    title,
    status,
    detail: refusal.detail,
    code: refusal.code,
    instance: request.instance,
    requestId: request.requestId,
  });
}

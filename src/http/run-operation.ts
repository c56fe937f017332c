import type { IncomingMessage, ServerResponse } from 'node:http';
import { ok, refuse, refused, type Refusal, type Result } from '../errors.ts';
import { Authenticator } from './auth.ts';
import { performOnce } from './claim.ts';
import type { Caller, Services } from './context.ts';
import { isDatabaseAway, refusalOfFault } from './fault.ts';
import { isName } from './fields.ts';
import type { CheckedCall, Operation, RawCall } from './operation.ts';
import { readIfMatch } from './preconditions.ts';
import { kindOf, problemDocument } from './problem.ts';
import { RateLimit } from './rate-limit.ts';
import type { Reply } from './reply.ts';
import { parseJson, readRaw } from './request-body.ts';
import { requestIdOf } from './request-id.ts';
import { RequestLog } from './request-log.ts';
import { send } from './send.ts';
import {
  headerText,
  invalid,
  parameterNames,
  rawPathOf,
  readParameters,
  readQuery,
  type PathMatch,
} from './request-text.ts';

/** Answers a request; rejects where that went wrong. */
export type Handler = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  match: PathMatch,
) => Promise<void>;

/** What all operations of a server share. */
export type Desk = {
  readonly services: Services;
  readonly authenticator: Authenticator;
  readonly rateLimit: RateLimit;
  readonly log: RequestLog;
  /** Answers say `Connection: close` from then on. */
  isClosing: boolean;
};

export function openDesk(services: Services): Desk {
  return {
    services,
    authenticator: new Authenticator(services),
    rateLimit: new RateLimit(services.config.server),
    log: new RequestLog(services.logger),
    isClosing: false,
  };
}

/** What is known of a request on its way through; the caller is found out as it goes. */
export type Visit = {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly requestId: string;
  readonly startedAt: number;
  caller: Caller | undefined;
};

const anyone: Caller = { merchantId: '', keyId: 'anonymous', role: 'member' };
const shed = refuse('LOAD.SHED', 'Too many changes are waiting; try again.');
const forbidden = refuse('AUTH.FORBIDDEN', 'The key does not allow this.');

export function beginVisit(incoming: IncomingMessage, outgoing: ServerResponse): Visit {
  return {
    incoming,
    outgoing,
    requestId: requestIdOf(incoming.headers['x-request-id']),
    startedAt: performance.now(),
    caller: undefined,
  };
}

/** The handler of one operation: the only function between the router and the use case. */
export function handlerOf(operation: Operation, desk: Desk): Handler {
  const note = desk.services.metrics.bindRoute(operation.method, operation.path);
  const route = JSON.stringify(operation.path);
  const names = parameterNames(operation.path);
  return async (incoming, outgoing, match) => {
    const visit = beginVisit(incoming, outgoing);
    let reply: Reply;
    try {
      reply = await serve(operation, names, match, desk, visit);
    } catch (error) {
      reply = noteFault(desk, visit, error);
    }
    respond(desk, visit, route, note, reply);
  };
}

/** The guards that every operation begins with, in this order; then the operation itself. */
async function serve(
  operation: Operation,
  names: readonly string[],
  match: PathMatch,
  desk: Desk,
  visit: Visit,
): Promise<Reply> {
  const { incoming } = visit;
  const { services } = desk;
  const params = readParameters(rawPathOf(incoming.url), names, match);
  // Nothing is waited for that is known: the body's listeners are there before the body is.
  const admitted = isSigned(operation, incoming)
    ? admitSigner(operation, desk, visit, params)
    : operation.access === 'open'
      ? guardLoad(operation, desk)
      : admit(operation, desk, visit);
  const entry = admitted instanceof Promise ? await admitted : admitted;
  if (entry !== undefined && 'code' in entry) return entry;
  if (!params.ok) return params.refusal;
  const query = operation.shapes.query === undefined ? noQuery : readQuery(incoming.url);
  if (!query.ok) return query.refusal;
  let body: { readonly value: unknown } | undefined;
  if (operation.shapes.body !== undefined) {
    const bytes = entry ?? (await readRaw(incoming, services.config.server.bodyLimitKb * 1024));
    const read = 'code' in bytes ? bytes : readBody(operation, incoming, bytes);
    if ('code' in read) return read;
    body = read;
  }
  const conditions = readConditions(operation, incoming);
  if (!conditions.ok) return conditions.refusal;
  const call: RawCall = {
    requestId: visit.requestId,
    caller: visit.caller ?? anyone,
    params: params.value,
    query: query.value,
    body: body?.value,
    idempotencyKey: conditions.value.idempotencyKey,
    ifMatch: conditions.value.ifMatch,
    ifNoneMatch: incoming.headers['if-none-match'],
    incoming,
    services,
    knownKeys: desk.authenticator,
  };
  const checked = operation.check(call);
  if (checked.perform === undefined) return checked;
  return operation.idempotency === undefined || operation.idempotency === 'command'
    ? checked.perform()
    : performClaimed(operation, call, checked);
}

const noQuery = ok<Record<string, string>>({});

/** Refusals, in this order: those of `identify`, AUTH.FORBIDDEN, RATE_LIMIT.EXCEEDED, LOAD.SHED. */
function admit(
  operation: Operation,
  desk: Desk,
  visit: Visit,
): Refusal | undefined | Promise<Refusal | undefined> {
  const found = desk.authenticator.identify(visit.incoming.headers);
  return found instanceof Promise
    ? found.then((caller) => admitCaller(operation, desk, visit, caller))
    : admitCaller(operation, desk, visit, found);
}

function admitCaller(
  operation: Operation,
  desk: Desk,
  visit: Visit,
  caller: Caller | Refusal,
): Refusal | undefined {
  if ('code' in caller) return caller;
  visit.caller = caller;
  const { role } = caller;
  if (operation.access === 'root' && role !== 'root') return forbidden;
  if (operation.access === 'admin' && role === 'member') return forbidden;
  return desk.rateLimit.take(caller) ?? guardLoad(operation, desk);
}

/** Refusals: LOAD.SHED. */
function guardLoad(operation: Operation, { services }: Desk): Refusal | undefined {
  const isFull = services.writer.queueLength > services.config.server.loadShedQueueMax;
  return operation.changes === true && isFull ? shed : undefined;
}

type SignedOperation = Operation & Required<Pick<Operation, 'identifySigner'>>;

function isSigned(
  operation: Operation,
  { headers }: IncomingMessage,
): operation is SignedOperation {
  if (operation.identifySigner === undefined || headers.authorization !== undefined) return false;
  return headers['webhook-signature'] !== undefined;
}

/**
 * The body of a signed request, as it came, once its signature was found to fit. To check 30 KB in
 * which nothing is right takes 370 ms, and to check their signature 0.2 ms: the first is not done
 * for anybody who wants it.
 * Refusals, in this order: REQUEST.MALFORMED, REQUEST.TOO_LARGE, AUTH.INVALID, RATE_LIMIT.EXCEEDED,
 * LOAD.SHED.
 */
async function admitSigner(
  operation: SignedOperation,
  desk: Desk,
  visit: Visit,
  params: ReturnType<typeof readParameters>,
): Promise<Buffer | Refusal> {
  const { incoming } = visit;
  const { services } = desk;
  if (!params.ok) return params.refusal;
  const body = await readRaw(incoming, services.config.server.bodyLimitKb * 1024);
  if ('code' in body) return body;
  const request = { params: params.value, body, incoming, services };
  const signer = await operation.identifySigner(request);
  return admitCaller(operation, desk, visit, signer) ?? body;
}

const jsonType = 'application/json';

/** Refusals: those of `parseJson`; REQUEST.MALFORMED (there is none, and there has to be). */
function readBody(
  { bodyTypes = [], bodyOptional }: Operation,
  incoming: IncomingMessage,
  bytes: Buffer,
): { readonly value: unknown } | Refusal {
  const body = parseJson(incoming, [jsonType, ...bodyTypes], bytes);
  if (body !== undefined) return body;
  if (bodyOptional === true) return { value: {} };
  return refuse('REQUEST.MALFORMED', 'The request needs a JSON body.');
}

/** Refusals: REQUEST.INVALID. */
function readConditions(
  operation: Operation,
  { headers }: IncomingMessage,
): Result<Pick<RawCall, 'idempotencyKey' | 'ifMatch'>> {
  const givenKey = operation.idempotency === undefined ? undefined : headers['idempotency-key'];
  const ifMatchHeader = operation.takesIfMatch === true ? headers['if-match'] : undefined;
  if (givenKey === undefined && ifMatchHeader === undefined) return noConditions;
  let idempotencyKey: string | undefined;
  if (givenKey !== undefined) {
    idempotencyKey = headerText(String(givenKey));
    if (!isName(idempotencyKey)) {
      const message = 'A key has 1 to 255 characters and no control characters';
      return refused(invalid([{ path: 'Idempotency-Key', message }]));
    }
  }
  if (ifMatchHeader === undefined) return ok({ idempotencyKey, ifMatch: undefined });
  const ifMatch = readIfMatch(ifMatchHeader);
  return ifMatch.ok ? ok({ idempotencyKey, ifMatch: ifMatch.value }) : ifMatch;
}

const noConditions = ok({ idempotencyKey: undefined, ifMatch: undefined });

function performClaimed(
  operation: Operation,
  call: RawCall,
  checked: CheckedCall,
): Promise<Reply> | Reply {
  const { services, caller, params } = call;
  const key = checked.claimKey;
  if (key === undefined || caller === anyone) return checked.perform();
  return performOnce(
    services,
    {
      merchantId: caller.merchantId,
      key,
      request: [operation.method, operation.path, params, checked.query, checked.body],
      secret: operation.idempotency === 'secret-claim',
    },
    checked.perform,
  );
}

/** Writes down an exception, and says what the caller is told: nothing from inside. */
export function noteFault(desk: Desk, { requestId }: Visit, error: unknown): Refusal {
  // Away is a state of the world and not a fault of ours: no stack, the readiness shows it too.
  if (isDatabaseAway(error)) {
    const reason = error instanceof Error ? error.message : String(error);
    desk.services.logger.warn({ requestId, reason }, 'the database is away');
  } else desk.services.logger.error({ requestId, err: error }, 'a request could not be handled');
  return refusalOfFault(error);
}

/**
 * Answers with a reply, and writes down that it was given.
 * @param route as the log says it, as JSON
 */
export function respond(
  desk: Desk,
  visit: Visit,
  route: string,
  note: (status: number, ms: number) => void,
  reply: Reply,
): void {
  const { incoming, requestId, caller } = visit;
  const { metrics } = desk.services;
  const headers = ['x-request-id', requestId];
  if (desk.isClosing) headers.push('connection', 'close');
  let status: number;
  let body: string | Uint8Array | null;
  if (reply.code === undefined) {
    ({ status, body } = reply);
    if (body !== null) headers.push('content-type', reply.contentType ?? jsonType);
    if (reply.version !== undefined) headers.push('etag', `"${reply.version}"`);
    if (reply.replayed === true) {
      headers.push('idempotency-replayed', 'true');
      metrics.countReplay();
    }
    if (reply.headers !== undefined) headers.push(...Object.entries(reply.headers).flat());
  } else {
    const kind = kindOf(reply.code);
    ({ status } = kind);
    body = problemDocument(reply, { instance: rawPathOf(incoming.url), requestId });
    headers.push(...problemHeaders(reply, kind.retryAfter));
    metrics.countRefusal(reply.code);
  }
  const ms = performance.now() - visit.startedAt;
  note(status, ms);
  desk.log.write({ requestId, method: incoming.method, route, status, ms, caller });
  send(visit, status, headers, body);
}

function problemHeaders({ code, data }: Refusal, retryAfter: number | undefined): string[] {
  const headers = ['content-type', 'application/problem+json'];
  const seconds = data?.['retryAfterSeconds'] ?? retryAfter;
  if (typeof seconds === 'number') headers.push('retry-after', String(seconds));
  if (code.startsWith('AUTH.') && code !== 'AUTH.FORBIDDEN') {
    const asked = data?.['authenticate'];
    const challenge = typeof asked === 'string' ? asked : 'Bearer realm="onhand"';
    headers.push('www-authenticate', challenge);
  }
  const allow = data?.['allow'];
  if (typeof allow === 'string') headers.push('allow', allow);
  return headers;
}

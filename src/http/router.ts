import type { IncomingMessage, ServerResponse } from 'node:http';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { SmartRouter } from 'hono/router/smart-router';
import { TrieRouter } from 'hono/router/trie-router';
import type { AdminQueues } from './admin-queues.ts';
import { refuse, type Refusal } from '../errors.ts';
import type { Operation } from './operation.ts';
import { rawPathOf, type PathMatch } from './request-text.ts';
import { beginVisit, handlerOf, respond, type Desk, type Handler } from './run-operation.ts';

/** What a Host header may say: a name, an IPv4 or an IPv6 address, and a port (RFC 3986, 3.2.2). */
const hostPattern = /^(?:[\w.~!$&'()*+,;=%-]*|\[[\da-f:.]+\])(?::\d*)?$/i;

/**
 * Routes requests by their path as it was sent: each parameter is decoded once, by us. Of Hono
 * this uses the router alone: a request and a response of fetch for each request cost as much as
 * reading it (decision 0017).
 */
export function createRouter(
  operations: readonly Operation[],
  adminQueues: AdminQueues,
  desk: Desk,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const routers = [new RegExpRouter<Handler>(), new TrieRouter<Handler>()];
  const router = new SmartRouter<Handler>({ routers });
  for (const operation of operations) {
    const pattern = operation.path.replaceAll(/\{(\w+)\}/g, ':$1');
    router.add(operation.method.toUpperCase(), pattern, handlerOf(operation, desk));
  }
  for (const path of adminQueues.paths) router.add('ALL', path, adminQueues.handle);
  const unmatched = unmatchedHandler(operations, desk);
  const malformed = refuserOf(desk, 'malformed', noHost);
  let lastHost = '';
  return (incoming, outgoing) => {
    const { host } = incoming.headers;
    // Only who speaks HTTP/1.0 may leave it out. Most say what the one before said.
    const isHost =
      host === undefined
        ? incoming.httpVersion === '1.0'
        : host === lastHost || hostPattern.test(host);
    if (isHost) lastHost = host ?? '';
    // Node sends no body in answer to HEAD.
    const method = incoming.method === 'HEAD' ? 'GET' : (incoming.method ?? 'GET');
    const [[found], texts = []] = router.match(method, rawPathOf(incoming.url));
    const [handler, places] = found ?? [unmatched, {}];
    run(isHost ? handler : malformed, desk, incoming, outgoing, { places, texts });
  };
}

function run(
  handle: Handler,
  desk: Desk,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  match: PathMatch = noMatch,
): void {
  handle(incoming, outgoing, match).catch((error: unknown) => {
    desk.services.logger.error({ err: error }, 'a request could not be answered');
    outgoing.destroy();
  });
}

const noMatch: PathMatch = { places: {}, texts: [] };

const noHost = refuse('REQUEST.MALFORMED', 'The request has no valid host.');
const unmet = refuse('REQUEST.EXPECTATION_FAILED', 'Nothing but 100-continue can be expected.');

/** Answers requests that expect what no server of ours does. */
export function createExpectationRefuser(
  desk: Desk,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const handle = refuserOf(desk, 'unexpected', unmet);
  return (incoming, outgoing) => run(handle, desk, incoming, outgoing);
}

/** Refuses whatever comes. @param route by which these requests are counted */
function refuserOf(desk: Desk, route: string, refusal: Refusal): Handler {
  const note = desk.services.metrics.bindRoute('any', route);
  return async (incoming, outgoing) => {
    const path = JSON.stringify(rawPathOf(incoming.url).slice(0, 200));
    respond(desk, beginVisit(incoming, outgoing), path, note, refusal);
  };
}

/** 405 with `Allow` where the path exists with another method, else 404. */
function unmatchedHandler(operations: readonly Operation[], desk: Desk): Handler {
  const note = desk.services.metrics.bindRoute('any', 'unmatched');
  const routes = operations.map(({ method, path }) => ({
    method: method.toUpperCase(),
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }));
  return async (incoming, outgoing) => {
    const path = rawPathOf(incoming.url);
    const visit = beginVisit(incoming, outgoing);
    const methods = routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    if (methods.includes('GET')) methods.push('HEAD');
    const allow = [...new Set(methods)].join(', ');
    const refusal =
      methods.length === 0
        ? refuse('ROUTE.NOT_FOUND', 'There is nothing at this path.')
        : refuse('ROUTE.METHOD_NOT_ALLOWED', `The path takes ${allow}.`, { allow });
    respond(desk, visit, JSON.stringify(path.slice(0, 200)), note, refusal);
  };
}

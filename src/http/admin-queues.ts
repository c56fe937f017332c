import { getRequestListener, RequestError } from '@hono/node-server';
import type { DashboardHandler } from '@pg-boss/dashboard/handler';
import { refuse, type Refusal } from '../errors.ts';
import { rawPathOf } from './request-text.ts';
import {
  beginVisit,
  noteFault,
  respond,
  type Desk,
  type Handler,
  type Visit,
} from './run-operation.ts';

const basePath = '/admin/queues';

/** The pages of pg-boss: its queues and jobs, for whoever holds the admin key. */
export type AdminQueues = {
  readonly paths: readonly string[];
  readonly handle: Handler;
  close(): Promise<void>;
};

/**
 * Opens the pages when they are first asked for: they are large, and have database connections of
 * their own. A browser asks for the key (HTTP Basic: any user name, the admin key as password);
 * forms are taken from the pages' own origin only, which the pages check themselves.
 */
export function openAdminQueues(desk: Desk): AdminQueues {
  const { dashboard, metrics } = desk.services;
  const note = metrics.bindRoute('any', basePath);
  let opened: Promise<DashboardHandler> | undefined;
  const open = async (): Promise<DashboardHandler> => {
    if (dashboard === undefined) throw new Error('no queues run here');
    const { createDashboardHandler } = await import('@pg-boss/dashboard/handler');
    const { connectionString: url, schema } = dashboard;
    return createDashboardHandler({ databases: [{ url, schema, name: 'onhand' }], basePath });
  };
  return {
    paths: dashboard === undefined ? [] : [basePath, `${basePath}/*`],
    async handle(incoming, outgoing) {
      const visit = beginVisit(incoming, outgoing);
      const refuseWith = (refusal: Refusal): void =>
        respond(desk, visit, JSON.stringify(basePath), note, refusal);
      try {
        const refusal = await admit(desk, visit);
        if (refusal !== undefined) return refuseWith(refusal);
        const pages = await (opened ??= open());
        // The pages speak of requests and responses as fetch does.
        const show = getRequestListener(
          async (request) => passOn(desk, visit, note, await pages(request)),
          {
            errorHandler: (error) =>
              refuseWith(error instanceof RequestError ? badTarget : noteFault(desk, visit, error)),
          },
        );
        return await show(incoming, outgoing);
      } catch (error) {
        return refuseWith(noteFault(desk, visit, error));
      }
    },
    close: async () => (await opened)?.close(),
  };
}

// Scripts and styles of the pages are inline in part, and know no nonce. The fonts that the pages
// ask another host for are the ones that a browser has instead.
const policy =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; " +
  "frame-ancestors 'none'";

const guards = {
  'content-security-policy': policy,
  'x-frame-options': 'DENY',
  // With `no-referrer` a browser says of no form where it comes from, and none would be taken.
  'referrer-policy': 'same-origin',
};

const badTarget = refuse('REQUEST.MALFORMED', 'The request has no valid target or host.');

/** Refusals: AUTH.MISSING, AUTH.INVALID, AUTH.FORBIDDEN. */
async function admit(desk: Desk, visit: Visit): Promise<Refusal | undefined> {
  const { authorization } = visit.incoming.headers;
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '') ?? [];
  const password = Buffer.from(encoded ?? '', 'base64')
    .toString('utf8')
    .replace(/^[^:]*:/, '');
  const presented = encoded === undefined ? authorization : `Bearer ${password}`;
  const caller = await desk.authenticator.identify({ authorization: presented });
  if ('code' in caller) return { ...caller, data: { authenticate: 'Basic realm="onhand"' } };
  visit.caller = caller;
  return caller.role === 'root' ? undefined : refuse('AUTH.FORBIDDEN', 'Only the admin key may.');
}

function passOn(
  desk: Desk,
  { requestId, startedAt, caller, incoming }: Visit,
  note: (status: number, ms: number) => void,
  response: Response,
): Response {
  const { status, body } = response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(guards)) headers.set(name, value);
  headers.set('x-request-id', requestId);
  if (desk.isClosing) headers.set('connection', 'close');
  const ms = performance.now() - startedAt;
  note(status, ms);
  const route = JSON.stringify(rawPathOf(incoming.url).slice(0, 200));
  desk.log.write({ requestId, method: incoming.method, route, status, ms, caller });
  return new Response(body, { status, headers });
}

import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { AdminQueues } from './admin-queues.ts';
import { refuse } from '../errors.ts';
import type { Operation } from './operation.ts';
import { requestIdOf } from './request-id.ts';
import { rawPathOf } from './request-text.ts';
import { handlerOf, respond, type Desk, type HttpContext } from './run-operation.ts';

/** Routes requests by their path as it was sent: each parameter is decoded once, by us. */
export function createRouter(
  operations: readonly Operation[],
  adminQueues: AdminQueues,
  desk: Desk,
) {
  const router = new Hono<{ Bindings: HttpBindings }>({
    getPath: (_request, options) => rawPathOf(options?.env?.incoming.url),
  });
  for (const operation of operations) {
    const pattern = operation.path.replaceAll(/\{(\w+)\}/g, ':$1');
    router.on(operation.method.toUpperCase(), pattern, handlerOf(operation, desk));
  }
  for (const path of adminQueues.paths) router.all(path, (context) => adminQueues.handle(context));
  router.notFound(unmatchedHandler(operations, desk));
  return router;
}

/** 405 with `Allow` where the path exists with another method, else 404. */
function unmatchedHandler(operations: readonly Operation[], desk: Desk) {
  const note = desk.services.metrics.bindRoute('any', 'unmatched');
  const routes = operations.map(({ method, path }) => ({
    method: method.toUpperCase(),
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }));
  return (context: HttpContext): Response => {
    const { incoming } = context.env;
    const path = rawPathOf(incoming.url);
    const visit = {
      incoming,
      requestId: requestIdOf(incoming.headers['x-request-id']),
      startedAt: performance.now(),
      caller: undefined,
    };
    const methods = routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    if (methods.includes('GET')) methods.push('HEAD');
    const allow = [...new Set(methods)].join(', ');
    const refusal =
      methods.length === 0
        ? refuse('ROUTE.NOT_FOUND', 'There is nothing at this path.')
        : refuse('ROUTE.METHOD_NOT_ALLOWED', `The path takes ${allow}.`, { allow });
    return respond(desk, visit, path.slice(0, 200), note, refusal);
  };
}

import { z } from '@hono/zod-openapi';
import { defineOperation, type Operation } from '../operation.ts';

/** The API's description; `text` gives it as JSON, and is asked when the first reader comes. */
export function getOpenApi(text: () => string): Operation {
  return defineOperation({
    method: 'get',
    path: '/api/openapi.json',
    tag: 'Documentation',
    summary: 'This description',
    access: 'open',
    responses: {
      200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) },
    },
    handle: () => ({ status: 200, body: text() }),
  });
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from '@hono/zod-openapi';
// The package’s own entry would run the page’s scripts here, in each start.
import getAbsoluteFSPath from 'swagger-ui-dist/absolute-path.js';
import { refuse } from '../../errors.ts';
import { defineOperation } from '../operation.ts';
import type { Answered } from '../reply.ts';

const html = 'text/html; charset=utf-8';
const script = 'text/javascript; charset=utf-8';

const pageText = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>onhand API</title>
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

const startText = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
});
`;

const packaged: ReadonlyMap<string, string> = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', script],
  ['favicon-32x32.png', 'image/png'],
]);

// Nothing from another host, and nothing inline. Icons in the stylesheet are data: images.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; " +
  "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'none'";

function page(body: string | Uint8Array<ArrayBuffer>, contentType: string): Answered {
  const headers = { 'content-security-policy': policy, 'x-content-type-options': 'nosniff' };
  return { status: 200, body, contentType, headers };
}

export const getDocs = defineOperation({
  method: 'get',
  path: '/api/docs',
  tag: 'Documentation',
  summary: 'A page to read this description',
  access: 'open',
  responses: { 200: { description: 'The page', schema: z.string(), contentType: 'text/html' } },
  handle: () => page(pageText, html),
});

export const getDocsFile = defineOperation({
  method: 'get',
  path: '/api/docs/{file}',
  tag: 'Documentation',
  summary: 'A file of that page',
  access: 'open',
  params: { file: z.string() },
  responses: { 200: { description: 'The file', schema: z.string(), contentType: '*/*' } },
  refusals: ['ROUTE.NOT_FOUND'],
  async handle({ params: { file } }) {
    if (file === 'start.js') return page(startText, script);
    const contentType = packaged.get(file);
    if (contentType === undefined) {
      return refuse('ROUTE.NOT_FOUND', 'There is nothing at this path.');
    }
    const content = page(
      new Uint8Array(await readFile(join(getAbsoluteFSPath(), file))),
      contentType,
    );
    return { ...content, headers: { ...content.headers, 'cache-control': 'max-age=86400' } };
  },
});

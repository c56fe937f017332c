import { serve } from '@hono/node-server';
import { Hono } from 'hono';

// What Hono itself can do: each request is answered with a level that never changes.

const body = JSON.stringify({
  storeId: 'main',
  sku: 'SKU-1',
  onHand: 2_000_000_000,
  reserved: 0,
  allocated: 0,
  openOrders: 0,
  pendingSales: 0,
  unavailable: 0,
  safetyStock: 0,
  incoming: 0,
  available: 2_000_000_000,
  version: 1,
  updatedAt: '2026-11-21T00:00:00.000Z',
});

const app = new Hono();
app.get('/api/inventory/stores/:storeId/inventory/:sku', (context) =>
  context.body(body, 200, { 'content-type': 'application/json', etag: '"1"' }),
);
app.get('/ready', (context) => context.text('ready'));

serve({ fetch: app.fetch, port: Number(process.env['PORT']), hostname: '127.0.0.1' });

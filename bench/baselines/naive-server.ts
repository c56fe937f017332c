import { randomUUID } from 'node:crypto';
import { serve } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { Pool, type PoolClient } from 'pg';

// A stock service as the textbook has it: read the version, compare and swap, up to five attempts,
// one transaction for each request. No auth, no validation, no log: what it lacks makes it faster.

type Change = { readonly sku: string; readonly delta: number; readonly key: string };
type Answer = { readonly status: 200 | 404 | 409; readonly body: string };

const attempts = 5;
const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 20 });
pool.on('error', () => undefined);

const app = new Hono();
app.post('/api/inventory/stores/main/inventory/:sku/adjust', async (context: Context) => {
  const { delta } = await context.req.json<{ delta: number }>();
  const sku = context.req.param('sku') ?? '';
  const key = context.req.header('idempotency-key') ?? randomUUID();
  const { status, body } = await adjust({ sku, delta, key });
  return context.body(body, status, { 'content-type': 'application/json' });
});
app.get('/ready', async (context) => {
  await pool.query('select 1');
  return context.text('ready');
});

async function adjust(change: Change): Promise<Answer> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const answer = await tryOnce(client, change);
      await client.query(answer?.status === 200 ? 'commit' : 'rollback');
      if (answer !== undefined) return answer;
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }
  return { status: 409, body: '{"code":"STOCK.VERSION_CONFLICT"}' };
}

/** Undefined when somebody else was faster. */
async function tryOnce(client: PoolClient, change: Change): Promise<Answer | undefined> {
  const { sku, delta, key } = change;
  const known = await client.query<{ status: 200; body: string }>({
    name: 'known',
    text: `select status, body from idempotency_key where merchant_id = 'default' and key = $1`,
    values: [key],
  });
  if (known.rows[0] !== undefined) return known.rows[0];
  const read = await client.query<{ on_hand: number; version: string }>({
    name: 'read',
    text: `select on_hand, version from stock_level
           where merchant_id = 'default' and sku = $1 and location_id = 'main'`,
    values: [sku],
  });
  const level = read.rows[0];
  if (level === undefined) return { status: 404, body: '{"code":"STOCK.NOT_FOUND"}' };
  const onHand = level.on_hand + delta;
  if (onHand < 0) return { status: 409, body: '{"code":"STOCK.INSUFFICIENT"}' };
  const swapped = await client.query({
    name: 'swap',
    text: `update stock_level set on_hand = $2, version = version + 1, updated_at = now()
           where merchant_id = 'default' and sku = $1 and location_id = 'main' and version = $3`,
    values: [sku, onHand, level.version],
  });
  if (swapped.rowCount === 0) return undefined;
  return await write(client, change, { onHand, version: Number(level.version) + 1 });
}

async function write(
  client: PoolClient,
  { sku, delta, key }: Change,
  { onHand, version }: { onHand: number; version: number },
): Promise<Answer> {
  await client.query({
    name: 'entry',
    text: `insert into ledger_entry
             (merchant_id, sku, location_id, version, quantity, delta, balance_after, reason,
              actor, command_id, occurred_at, recorded_at)
           values ('default', $1, 'main', $2, 'on_hand', $3, $4, 'sale', 'bench', $5, now(),
                   now())`,
    values: [sku, version, delta, onHand, randomUUID()],
  });
  await client.query({
    name: 'message',
    text: `insert into outbox_message (merchant_id, sku, location_id, version, recorded_at)
           values ('default', $1, 'main', $2, now())`,
    values: [sku, version],
  });
  const figures = { onHand, reserved: 0, allocated: 0, openOrders: 0, pendingSales: 0 };
  const rest = { unavailable: 0, safetyStock: 0, incoming: 0, available: onHand, version };
  const updatedAt = new Date().toISOString();
  const body = JSON.stringify({ storeId: 'main', sku, ...figures, ...rest, updatedAt });
  await client.query({
    name: 'remember',
    text: `insert into idempotency_key
             (merchant_id, key, fingerprint, status, body, created_at, expires_at)
           values ('default', $1, md5($2)::uuid, 200, $3, now(), now() + interval '1 day')`,
    values: [key, sku, body],
  });
  return { status: 200, body };
}

serve({ fetch: app.fetch, port: Number(process.env['PORT']), hostname: '127.0.0.1' });

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Emulator } from '../../emulators/emulator.ts';
import { newId } from '../../src/ids.ts';
import { runSource } from '../../src/sources/index.ts';
import { merchantId, newSku } from '../support/stock.ts';
import { openSourcesRig, type SourcesRig } from './rig.ts';

// Square's own cursors end when Square wants them to.

type Question = { readonly updated_after?: string; readonly cursor?: string };
type Cursors = { living: string[]; asked: Question[]; made: number; refusesAll: boolean };

let rig: SourcesRig;
let square: Emulator<Cursors>;
const skus = Array.from({ length: 3 }, newSku);
beforeAll(async () => {
  rig = await openSourcesRig();
});
beforeEach(async () => {
  square = await Emulator.start<Cursors>({
    initial: { living: [], asked: [], made: 0, refusesAll: false },
    handle: ({ path, body }, state) => {
      if (path === '/v2/catalog/batch-retrieve') {
        const objects = skus.map((sku, id) => ({ id: `V${id}`, item_variation_data: { sku } }));
        return { status: 200, body: { objects } };
      }
      const question = JSON.parse(body) as Question;
      const { cursor } = question;
      state.asked.push(question);
      const isLiving = state.living.includes(cursor ?? '') && !state.refusesAll;
      if (cursor !== undefined && !isLiving) return { status: 400 };
      const from = Number(cursor?.split('@')[0] ?? 0);
      state.made += 1;
      const next = from + 1 < skus.length ? { cursor: `${from + 1}@${state.made}` } : {};
      state.living.push(next.cursor ?? '');
      const count = { location_id: 'L1', state: 'IN_STOCK', quantity: '4' };
      const calculated = { catalog_object_id: `V${from}`, calculated_at: '2026-11-03T10:00:00Z' };
      return { status: 200, body: { counts: [{ ...count, ...calculated }], ...next } };
    },
  });
});
afterEach(async () => {
  await square.stop();
  await rig.pool.query('delete from source');
});
afterAll(() => rig.close());

const put = (mode: 'delta' | 'full') =>
  rig.put({
    sourceId: 'pos',
    kind: 'square',
    mode,
    config: { baseUrl: square.url, locations: { L1: 'main' } },
    credentials: { accessToken: 'square-token' },
  });

/** A run that ends after its first page. */
async function runOnePage(): Promise<void> {
  const stop = new AbortController();
  const run = { merchantId, sourceId: 'pos', runId: newId('run'), trigger: 'request' } as const;
  const onPage = (): void => stop.abort();
  await runSource(rig.context, { ...run, signal: stop.signal, onPage });
}

test.for(['delta', 'full'] as const)(
  'a read by %s whose cursor has expired is begun again',
  async (mode) => {
    await put(mode);
    await runOnePage();
    square.state.living = [];
    expect(await rig.run('pos')).toMatchObject({ status: 'succeeded', pages: 3 });
    expect(await Promise.all(skus.map((sku) => rig.quantity(sku)))).toEqual([4, 4, 4]);
  },
);

test.for(['delta', 'full'] as const)(
  'a read by %s does not go on with a cursor of some minutes ago',
  async (mode) => {
    await put(mode);
    await runOnePage();
    const [cursor = ''] = square.state.living;
    const { rows } = await rig.pool.query<{ mark: string }>(
      `select coalesce(snapshot ->> 'cursor', watermark) as mark from source`,
    );
    const mark = JSON.parse(rows[0]?.mark ?? '') as { run: { at: string } };
    mark.run.at = new Date(Date.now() - 600_000).toISOString();
    await rig.pool.query(
      mode === 'delta'
        ? 'update source set watermark = $1'
        : `update source set snapshot = jsonb_set(snapshot, '{cursor}', to_jsonb($1::text))`,
      [JSON.stringify(mark)],
    );
    expect(await rig.run('pos')).toMatchObject({ status: 'succeeded', pages: 3 });
    expect(square.state.asked.map((question) => question.cursor)).not.toContain(cursor);
  },
);

test('where every cursor is refused the run fails, and does not go on for ever', async () => {
  await put('delta');
  await runOnePage();
  square.state.refusesAll = true;
  expect(await rig.run('pos')).toMatchObject({ status: 'failed', code: 'http_400' });
});

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatabaseHandle } from '../../src/db/index.ts';
import {
  commitReservation,
  createReservation,
  releaseReservation,
} from '../../src/reservations/index.ts';
import {
  adjustStock,
  archivablePartitions,
  archiveMonth,
  laterUnits,
  levelAsOf,
  listArchives,
  listLedger,
  restoreArchive,
  type Command,
} from '../../src/stock/index.ts';
import { expectCleanAudit, findViolations } from '../support/audit.ts';
import { createDataDir } from '../support/data-dir.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';
import {
  adjust,
  count,
  levelKey,
  merchantId,
  openInspector,
  provenance,
} from '../support/stock.ts';
import { openTestWriter } from '../support/stock.ts';

let database: TestDatabase;
let handle: DatabaseHandle;
let inspector: Pool;
let folder: Awaited<ReturnType<typeof createDataDir>>;

const dayMs = 86_400_000;
const skus = ['lamp', 'vase', 'rug'];
const monthsAgo = [4, 3, 2];

beforeAll(async () => {
  database = await createTestDatabase();
  handle = openDatabase({ connectionString: database.connectionString });
  inspector = await openInspector(database.connectionString);
  folder = await createDataDir();
  await inspector.query(
    `insert into channel (merchant_id, channel_id, kind, config, mode, timeout_ms, enabled, queue,
       selects_all, created_at, updated_at)
     values ('default', 'web', 'webhook', '{}', 'latest', 5000, false, 'q', true, now(), now())`,
  );
  for (const months of monthsAgo) await writeMonth(middleOf(months), `m${months}`);
  await writeMonth(new Date(), 'now');
});

afterAll(async () => {
  await handle.close();
  await inspector.end();
  await folder.remove();
  await database.drop();
});

/** The middle of the month that was so many months ago. */
function middleOf(months: number): Date {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 15, 12));
}

/** Something of everything, recorded at a time. */
async function writeMonth(at: Date, name: string): Promise<void> {
  const clock = { offsetMs: at.getTime() - Date.now(), now: () => at };
  const stock = openTestWriter(database.connectionString, { clock, snapshotEvery: 4 });
  const submit = async (...commands: Command[]): Promise<string[]> => {
    const outcomes = await stock.writer.submit(commands);
    return outcomes.map((outcome) => {
      if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.refusal));
      return outcome.answer.body;
    });
  };
  const reserve = async (orderId: string): Promise<string> => {
    const lines = [{ storeId: 'main', sku: 'lamp', quantity: 3 }];
    const order = { merchantId, orderId, lines, actor: 'test', ttlSeconds: 3_600 };
    const [body = '{}'] = await submit(createReservation(order));
    return (JSON.parse(body) as { reservationId: string }).reservationId;
  };
  await submit(count('lamp', 50), count('vase', 20));
  // Only in one month: what is archived of it is all there is.
  if (name === 'm4') await submit(count('rug', 7));
  const sold = await reserve(`${name}-1`);
  const actor = 'test';
  await submit(commitReservation({ merchantId, reservationId: sold, actor }, 'never'));
  const kept = await reserve(`${name}-2`);
  await submit(releaseReservation({ merchantId, reservationId: kept, actor }));
  for (let i = 0; i < 9; i += 1) await submit(adjust('lamp', -1), adjust('vase', -1));
  await submit(
    adjustStock({
      level: levelKey('vase'),
      request: { quantity: 'onHand', delta: -2, mode: 'fact' },
      provenance: {
        ...provenance,
        reason: 'channel.order',
        reference: 'order "9"',
        sourceChannel: 'web',
        actor: 'web, the\nchannel',
      },
    }),
  );
  await inspector.query(
    `insert into inbound_order values ('default', 'web', 'order "9"', 1, 'confirmed', now(), now())
     on conflict do nothing`,
  );
  await inspector.query(
    `insert into inbound_line (merchant_id, channel_id, order_id, line_id, wanted, sku,
       location_id, sold) values ('default', 'web', 'order "9"', $1, 2, 'vase', 'main', 2)`,
    [name],
  );
  await stock.close();
}

/** What is left of the ledger, level by level. */
async function ledgerNow(): Promise<readonly string[]> {
  const { items } = await listLedger(handle.db, { merchantId, limit: 1_000 });
  return items.map((entry) => `${entry.sku} ${entry.version} ${entry.quantity} ${entry.delta}`);
}

async function asOf(at: Date): Promise<unknown[]> {
  return await Promise.all(skus.map((sku) => levelAsOf(handle.db, levelKey(sku), at)));
}

async function archivable(): Promise<Awaited<ReturnType<typeof archivablePartitions>>> {
  return await archivablePartitions(handle.db, new Date('2999-01-01'), 0);
}

async function archiveOldest(keep = false, onExported = async () => {}) {
  const [oldest] = await archivable();
  if (oldest === undefined) throw new Error('nothing to archive');
  return await archiveMonth(handle.db, oldest, {
    folder: folder.path,
    archivedBy: 'test',
    keep,
    onExported,
  });
}

test('a month is not archived while somebody needs it, or when it does not add up', async () => {
  await expectCleanAudit(inspector);
  const found = await archivable();
  // The last month and this one stay.
  expect(found).toHaveLength(3);
  expect(await archiveOldest()).toMatchObject({ refusal: { code: 'LEDGER.NEEDED' } });
  expect(await archiveOldest()).toMatchObject({
    refusal: { detail: expect.stringMatching(/ of outbox default\.$/) },
  });
  await inspector.query('delete from outbox_message');

  const needs: [name: string, made: string, undone: string][] = [
    [
      'channel default/web',
      `insert into listing (merchant_id, channel_id, sku, location_id, published_version)
         values ('default', 'web', 'lamp', 'main', 3);
       update channel set enabled = true`,
      `delete from listing; update channel set enabled = false`,
    ],
    [
      'replay default/main',
      `insert into replay_order values ('default', 'main', '1', 'sale', gen_random_uuid(), null,
         null, now() - interval '1 year')`,
      'delete from replay_order',
    ],
    [
      'quarantine default/erp',
      `insert into source (merchant_id, source_id, kind, mode, config, guards, enabled,
         next_run_at, created_at, updated_at)
         values ('default', 'erp', 'push', 'delta', '{}', '{}', true, now(), now(), now());
       insert into source_quarantine (merchant_id, quarantine_id, source_id, sku, location_id,
         quantity, current_value, value, observed_at, item, cause, status, run_id, created_at)
         values ('default', 'q', 'erp', 'lamp', 'main', 'on_hand', 1, 0,
           now() - interval '1 year', '{}', 'max_delta', 'pending', 'r', now())`,
      'delete from source',
    ],
    [
      'held item default/erp',
      `insert into source (merchant_id, source_id, kind, mode, config, guards, enabled,
         next_run_at, created_at, updated_at)
         values ('default', 'erp', 'push', 'delta', '{}', '{}', true, now(), now(), now());
       insert into source_held_item values ('default', 'erp', 'k', '{"sku": "lamp",
         "storeId": "main", "observedAt": "2001-01-01T00:00:00Z"}', 'c', now())`,
      'delete from source',
    ],
  ];
  for (const [name, made, undone] of needs) {
    await inspector.query(made);
    expect(await archiveOldest()).toMatchObject({
      refusal: { code: 'LEDGER.NEEDED', detail: expect.stringContaining(`1 of ${name}.`) },
    });
    await inspector.query(undone);
  }

  const change = 'update ledger_entry set delta = delta';
  const where = `where sku = 'lamp' and version = 2 and quantity = 'reserved'`;
  await inspector.query(`${change} + 1 ${where}`);
  expect(await archiveOldest()).toMatchObject({ refusal: { code: 'LEDGER.FAULTY' } });
  await inspector.query(`${change} - 1 ${where}`);
  expect(await listArchives(handle.db)).toEqual([]);
  await expectCleanAudit(inspector);
});

/** Changes an entry of the oldest month. */
async function setReason(reason: string): Promise<void> {
  await inspector.query(`update ledger_entry set reason = $1 where sku = 'lamp' and version = 1`, [
    reason,
  ]);
}

test('a month that is changed while it is exported stays', async () => {
  const before = await ledgerNow();
  expect(await archiveOldest(false, () => setReason('changed'))).toMatchObject({
    refusal: { code: 'LEDGER.CHANGED' },
  });
  await setReason('test');
  expect(await ledgerNow()).toEqual(before);
  expect(await listArchives(handle.db)).toEqual([]);
});

test('an archived month leaves levels, audit and later questions as they were', async () => {
  const before = { ledger: await ledgerNow(), levels: await asOf(new Date()) };
  const moments = [3, 2].flatMap((ago) => [
    middleOf(ago),
    new Date(middleOf(ago).getTime() + dayMs),
  ]);
  const answers = await Promise.all(moments.map(asOf));
  const archived = await archiveOldest();
  if (!archived.ok) throw new Error(archived.refusal.detail);

  // Nothing but that month is gone.
  const after = await ledgerNow();
  expect(after).toEqual(before.ledger.slice(archived.value.entries));
  expect(archived.value.entries).toBeGreaterThan(20);
  await expectCleanAudit(inspector);
  expect(await asOf(new Date())).toEqual(before.levels);
  expect(await Promise.all(moments.map(asOf))).toEqual(answers);
  const tooEarly = { refusal: { code: 'LEDGER.ARCHIVED' } };
  const early = await asOf(new Date(middleOf(4).getTime() - dayMs));
  expect(early).toMatchObject([tooEarly, tooEarly, tooEarly]);
  const { rows } = await inspector.query(
    `select difference from audit.totals where difference <> 0`,
  );
  expect(rows).toEqual([]);

  // The file is the month: every field, whatever was in it.
  const text = gunzipSync(await readFile(archived.value.path)).toString();
  expect(text).toContain(`"channel.order","order ""9""","web, the\nchannel","web",`);
  const manifest = archived.value.path.replace('.csv.gz', '.json');
  expect(JSON.parse(await readFile(manifest, 'utf8'))).toMatchObject({
    entries: archived.value.entries,
    sha256: archived.value.sha256,
  });
});

const soldSince = (at: Date) => ({
  level: levelKey('lamp'),
  version: 1_000_000,
  quantity: 'onHand' as const,
  since: at,
  updatedAtMs: Date.now(),
  knownActor: 'nobody',
  movementReason: 'none',
  firstVersion: null,
});

test('a figure from an archived time is not guessed at', async () => {
  const client = await inspector.connect();
  const early = new Date(middleOf(4).getTime() - dayMs);
  const times = [early, new Date(middleOf(4).getTime() + dayMs), new Date(Date.now() + dayMs)];
  const units = await laterUnits(client, times.map(soldSince));
  client.release();
  const { rows } = await inspector.query<{ units: number }>(
    `select sum(delta)::bigint as units from ledger_entry e
     where sku = 'lamp' and quantity = 'on_hand'
       and not exists (select from stock_count c where c.sku = e.sku and c.version = e.version)`,
  );
  expect(units).toEqual([null, { counted: null, ...rows[0] }, { counted: null, units: 0 }]);
});

test('the next month follows on the first; one that is kept can be looked at', async () => {
  const levels = await asOf(new Date());
  const second = await archiveOldest(true);
  if (!second.ok) throw new Error(second.refusal.detail);
  await expectCleanAudit(inspector);
  expect(await asOf(new Date())).toEqual(levels);
  const archives = await listArchives(handle.db);
  expect(archives.map(({ entries }) => entries)).toEqual([
    expect.any(Number),
    second.value.entries,
  ]);
  const { rows } = await inspector.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'archive'`,
  );
  expect(rows).toHaveLength(1);
  const { rows: kept } = await inspector.query<{ count: number }>(
    `select count(*) from archive.${rows[0]?.name}`,
  );
  expect(kept).toEqual([{ count: second.value.entries }]);

  // What is archived stays archived: an entry that turns up later is seen.
  await inspector.query(
    `update ledger_entry set recorded_at = now() - interval '10 years'
     where sku = 'vase' and version = (
       select min(version) from ledger_entry where sku = 'vase')`,
  );
  expect(Object.keys(await findViolations(inspector))).toEqual(['archived_entry_left']);
  await inspector.query(
    `update ledger_entry set recorded_at = $1 where recorded_at < now() - interval '9 years'`,
    [middleOf(2)],
  );
  await expectCleanAudit(inspector);
});

test('a restored month is what was archived, and a file that was touched is refused', async () => {
  const [archive] = await listArchives(handle.db);
  if (archive === undefined) throw new Error('nothing is archived');
  const whole = await readFile(archive.file);
  const text = gunzipSync(whole).toString();
  const { gzipSync } = await import('node:zlib');
  const copy = join(folder.path, 'copy.csv.gz');
  await writeFile(copy, gzipSync(text.replace('m4-1', 'm4-7')));
  expect(await restoreArchive(handle.db, archive, copy)).toMatchObject({
    refusal: { code: 'LEDGER.FILE_DIFFERS' },
  });
  await writeFile(copy, whole.subarray(0, whole.length - 20));
  await expect(restoreArchive(handle.db, archive, copy)).rejects.toThrow('unexpected end of file');

  await writeFile(copy, whole);
  const restored = await restoreArchive(handle.db, archive, copy);
  if (!restored.ok) throw new Error(restored.refusal.detail);
  const { rows } = await inspector.query<{ digest: string }>(
    `select digest::text as digest from ledger_digest($1)`,
    [restored.value],
  );
  expect(rows).toEqual([{ digest: archive.digest }]);
  expect(await restoreArchive(handle.db, archive, copy)).toMatchObject({
    refusal: { code: 'LEDGER.RESTORED_ALREADY' },
  });
  await expectCleanAudit(inspector);
});

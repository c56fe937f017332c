import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { migrateToLatest } from '../../src/db/migrate.ts';
import { ChannelServer } from '../jobs/channel-server.ts';
import { DeliveryRig, merchantId } from '../jobs/delivery-rig.ts';
import { createBlankDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';

// Who locks in another order than others waits for them in a circle.

test('dead letters that are sent again are locked after their listings', async () => {
  const [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
  await rig.connect(server, 'web');
  const recorder = await rig.inspector.connect();
  onTestFinished(async () => {
    recorder.release();
    await rig.close();
    await server.close();
  });
  await rig.inspector.query(
    `insert into delivery (merchant_id, delivery_id, channel_id, job_id, status, listings,
       open_listings, created_at, updated_at)
     values ($1, 'dlv', 'web', $2, 'redriving', 1, 1, now(), now())`,
    [merchantId, randomUUID()],
  );
  await rig.inspector.query(
    `insert into listing (merchant_id, channel_id, sku, location_id, state, dead_delivery)
     values ($1, 'web', 'A', 'main', 'dead', 'dlv')`,
    [merchantId],
  );
  // As the record of a call does it.
  await recorder.query('begin; select from listing for update');
  const redriven = rig.inspector.query(`select sku from listing_redrive($1, 'web')`, [merchantId]);
  await waitFor(
    async () => {
      const { rowCount } = await rig.inspector.query(
        `select from pg_stat_activity
         where wait_event_type = 'Lock' and datname = current_database()`,
      );
      return rowCount === 1;
    },
    { what: 'the redrive to wait for the listing' },
  );
  await recorder.query('select from delivery for update nowait; commit');
  expect((await redriven).rows).toEqual([{ sku: 'A' }]);
});

test('levels are marked in one order, whatever the locale of the database', async () => {
  const english = `template template0 locale_provider icu icu_locale 'en-US'`;
  const database = await createBlankDatabase(english);
  const session = new Client({ connectionString: database.connectionString });
  onTestFinished(async () => {
    await session.end();
    await database.drop();
  });
  await migrateToLatest(database.connectionString);
  await session.connect();
  await session.query(
    `insert into merchant (merchant_id) values ('default') on conflict do nothing;
     insert into location (merchant_id, location_id) values ('default', 'main')
       on conflict do nothing;
     insert into channel (merchant_id, channel_id, kind, config, mode, timeout_ms, enabled, queue,
       selects_all, created_at, updated_at)
     values ('default', 'web', 'webhook', '{}', 'latest', 5000, true, 'q', true, now(), now());
     create table seen (place serial, sku text);
     create function note() returns trigger language plpgsql as $$
     begin
       insert into seen (sku) values (new.sku);
       return new;
     end $$;
     create trigger note before insert on listing for each row execute function note()`,
  );
  const { rows } = await session.query<{ sku: string; job_id: string }>(
    `select sku, job_id from listing_mark(array['default', 'default', 'default'],
       array['B', 'C', 'a'], array['main', 'main', 'main'], array[1, 1, 1]::bigint[],
       array[now(), now(), now()], '{"webhook": 2}')`,
  );
  const seen = await session.query<{ sku: string }>('select sku from seen order by place');
  expect(seen.rows.map(({ sku }) => sku)).toEqual(['B', 'C', 'a']);
  const jobs = new Map(rows.map(({ sku, job_id: jobId }) => [sku, jobId]));
  expect(jobs.get('B')).toBe(jobs.get('C'));
});

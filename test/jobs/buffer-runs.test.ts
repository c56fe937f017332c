import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAdapters } from '../../src/channels/index.ts';
import { startJobs, type Jobs } from '../../src/jobs/index.ts';
import { createLogger } from '../../src/logger.ts';
import { openSecretBox } from '../../src/encryption.ts';
import { openBuffersRig, type BuffersRig } from '../safety-stock/rig.ts';
import { count, merchantId, newSku } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';

let rig: BuffersRig;
let jobs: Jobs | undefined;
beforeAll(async () => {
  rig = await openBuffersRig();
});
afterAll(async () => {
  await jobs?.stop(2_000);
  await rig.close();
});

async function jobsBy(state: string): Promise<number> {
  const { rows } = await rig.pool.query<{ count: number }>(
    `select count(*)::integer as count from pgboss.job
     where name = 'safety-stock.recompute' and state::text = $1`,
    [state],
  );
  return rows[0]?.count ?? 0;
}

test('a run that takes long is not done a second time', async () => {
  const sku = newSku();
  await rig.writer.submitOne(count(sku, 10));
  await rig.put({}, { units: 2 });
  await rig.pool.query(`
    create table run_begun (started_at timestamptz);
    create function note_run() returns trigger language plpgsql as $$
    begin
      insert into run_begun values (new.started_at);
      return new;
    end $$;
    create trigger note_run after update of started_at on safety_run
      for each row execute function note_run()`);
  // The run waits for its row, and the clock asks for it once more meanwhile. Following changes
  // would wait for the row, too, so another process seems to be at it.
  const holder = await rig.pool.connect();
  await holder.query(
    `select pg_advisory_lock(hashtextextended('safety-stock follow ${merchantId}', 0))`,
  );
  await holder.query('begin');
  await holder.query('select from safety_run for update');
  jobs = await startJobs({
    connectionString: rig.connectionString,
    adapters: createAdapters({ allowPrivateAddresses: true }),
    secretBox: openSecretBox({
      encryptionKey: Buffer.alloc(32, 1).toString('base64'),
      dataDir: '',
    }),
    clock: rig.context.clock,
    logger: createLogger('silent'),
    retry: { baseMs: 50, maxMs: 100, multiplier: 2, maxAttempts: 3, deadLetters: true },
    workers: true,
    buffers: rig.context,
  });
  await waitFor(async () => (await jobsBy('active')) === 1 && (await jobsBy('created')) === 1, {
    what: 'a second job behind the first',
  });
  await holder.query('rollback');
  holder.release(true);
  await waitFor(async () => (await jobsBy('active')) + (await jobsBy('created')) === 0, {
    what: 'both jobs to end',
  });
  expect(await rig.kept(sku)).toBe(2);
  const { rows } = await rig.pool.query('select from run_begun');
  expect(rows).toHaveLength(1);
});

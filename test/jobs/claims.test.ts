import { expect, onTestFinished, test, vi } from 'vitest';
import { createLogger } from '../../src/logger.ts';
import { DeliveryQueue } from '../../src/jobs/delivery-queue.ts';
import { pipelined } from '../../src/db/index.ts';
import { newDeliveryJob } from '../../src/channels/index.ts';
import { startBoss } from '../../src/jobs/boss.ts';
import { openRounds } from '../../src/jobs/rounds-database.ts';
import { ChannelServer } from './channel-server.ts';
import { DeliveryRig, quickRetry } from './delivery-rig.ts';

async function open(): Promise<{ rig: DeliveryRig; server: ChannelServer }> {
  const [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
  onTestFinished(async () => {
    await rig.close();
    await server.close();
  });
  return { rig, server };
}

test('a round that was all there was to do asks once', async () => {
  const { rig, server } = await open();
  await rig.start();
  await rig.connect(server, 'web');
  await rig.settled();
  // The poll may see a job before its round does, and says so.
  const poll = vi.spyOn(DeliveryQueue.prototype, 'due').mockResolvedValue([]);
  const claim = vi.spyOn(DeliveryQueue.prototype, 'claim');
  onTestFinished(() => {
    poll.mockRestore();
    claim.mockRestore();
  });
  for (let n = 1; n <= 20; n += 1) {
    await rig.setLevel('A', n);
    await rig.settled();
  }
  expect(server.shown).toEqual({ A: 20 });
  // One for each, and some where a round was woken while it asked.
  expect(claim.mock.calls.length).toBeLessThan(30);
});

test('claims and completions planned while there were few jobs look at few of many', async () => {
  const { rig } = await open();
  const { connectionString } = rig.database;
  const logger = createLogger('silent');
  const boss = await startBoss(connectionString, logger, false);
  const { db, pool } = openRounds(connectionString, logger);
  onTestFinished(async () => {
    await boss.stop({ graceful: false });
    await pool.end();
  });
  const queue = new DeliveryQueue(boss, quickRetry);
  const name = 'channel.default.web';
  const owner = { merchantId: 'default', channelId: 'web', queue: name };
  const make = (count: number): Promise<void> => {
    const jobs = Array.from({ length: count }, () => newDeliveryJob(owner, [['A', 'main']]));
    return pipelined(pool, (tx) => queue.insert(tx, jobs));
  };
  const work = async (count: number): Promise<number> => {
    await make(count);
    const jobs = await queue.claim(db, name, 20);
    await pipelined(pool, (tx) => queue.complete(tx, name, jobs));
    return jobs.length;
  };
  await work(2);
  // So small a table would be read from end to end.
  await rig.inspector.query('vacuum analyze pgboss.job_common');
  for (let n = 0; n < 10; n += 1) await work(2);
  await rig.inspector.query(`
    insert into pgboss.job_common (name, state, completed_on)
    select '${name}', 'completed', now() from generate_series(1, 5000)`);
  const scanned = async (): Promise<unknown> => {
    await pool.query('select pg_stat_force_next_flush()');
    await pool.query('select');
    const { rows } = await rig.inspector.query(`
      select seq_scan::integer as scans, seq_tup_read::integer as rows
      from pg_stat_user_tables where relname = 'job_common'`);
    return rows[0];
  };
  const before = await scanned();
  expect(await work(3)).toBe(3);
  expect(await scanned()).toEqual(before);
});

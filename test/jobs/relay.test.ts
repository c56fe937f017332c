import { expect, onTestFinished, test } from 'vitest';
import { countMessages } from '../../src/outbox/index.ts';
import { createLogger } from '../../src/logger.ts';
import { waitFor } from '../support/wait-for.ts';
import { ChannelServer } from './channel-server.ts';
import { DeliveryRig } from './delivery-rig.ts';

test('messages stay in the outbox until their jobs are there', async () => {
  const [rig, server] = await Promise.all([DeliveryRig.open(), ChannelServer.start()]);
  onTestFinished(async () => {
    await rig.close();
    await server.close();
  });
  let log = '';
  await rig.start({ logger: createLogger('warn', { write: (line) => (log += line) }) });
  await rig.connect(server, 'web');
  await rig.inspector.query(
    `alter table pgboss.job add constraint no_deliveries check (name not like 'channel.%')`,
  );
  await rig.setLevel('A', 3);
  await waitFor(() => log.includes('the relay could not read'), {
    what: 'a relay that cannot make the job',
  });
  expect(await countMessages(rig.db)).toBe(1);
  expect((await rig.inspector.query('select from listing')).rowCount).toBe(0);

  await rig.inspector.query('alter table pgboss.job drop constraint no_deliveries');
  await rig.settled();
  expect(server.shown).toEqual({ A: 3 });
});

import { expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { putChannel, type Change, type ChannelAdapter } from '../../src/channels/index.ts';
import { Pace } from '../../src/jobs/pace.ts';
import { setStock, type Command } from '../../src/stock/index.ts';
import { provenance } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';
import { DeliveryRig, merchantId } from './delivery-rig.ts';

// Calls that are made for jobs of one claim.

const set = (sku: string, onHand: number): Command =>
  setStock({ level: { merchantId, sku, storeId: 'main' }, request: { onHand }, provenance });

type Publish = (changes: readonly Change[]) => Promise<void>;

/** A channel that does with its calls what a test wants, and repeats those that are stored. */
function adapterOf(maxBatch: number, publish: Publish, isStored: boolean): ChannelAdapter {
  const idempotency = isStored ? 'header' : 'none';
  const adapter: ChannelAdapter = {
    kind: 'own',
    maxBatch,
    capabilities: { compareAndSet: false, idempotency, results: 'item', rateModel: 'calls' },
    configSchema: z.object({}),
    credentialsSchema: z.object({}),
    selects: () => ({ kind: 'all' }),
    address: () => 'here',
    publish: async (changes) => {
      await publish(changes);
      return { ok: true };
    },
    verify: () => Promise.resolve({ ok: true }),
  };
  return adapter;
}

async function openRig(adapter: ChannelAdapter): Promise<DeliveryRig> {
  const rig = await DeliveryRig.open(adapter);
  onTestFinished(() => rig.close());
  return rig;
}

async function connect({ db, adapters, secretBox, clock }: DeliveryRig): Promise<void> {
  const more = { kind: 'own', config: {}, credentials: {}, timeoutMs: 30_000 };
  const context = { adapters, secretBox, clock };
  await putChannel(db, context, { merchantId, channelId: 'own', ...more });
}

test('a call that is under way keeps its job when another cannot be kept', async () => {
  const shown: Record<string, number> = {};
  let [running, most] = [0, 0];
  const held = Promise.withResolvers<void>();
  onTestFinished(() => held.resolve());
  const rig = await openRig(
    adapterOf(
      1,
      async ([change]) => {
        if (change === undefined) return;
        if (change.sku === 'A' && change.version === 2) {
          running += 1;
          most = Math.max(most, running);
          await held.promise;
          running -= 1;
        }
        shown[change.sku] = change.available;
      },
      true,
    ),
  );
  await rig.start();
  await connect(rig);
  await rig.submit(set('A', 1), set('B', 1), set('C', 1));
  await rig.settled();
  // A sequence remembers what is rolled back.
  await rig.inspector.query(`
    create sequence failures;
    create function fail() returns trigger language plpgsql as $$
    begin
      if new.content::text like '%"B"%' then
        perform nextval('failures');
        raise exception 'not kept';
      end if;
      return new;
    end $$;
    create trigger fail before insert on stored_call for each row execute function fail()`);
  await rig.submit(set('A', 2), set('B', 2));
  await waitFor(() => running > 0, { what: 'the call about A' });
  await waitFor(
    async () => (await rig.inspector.query('select from failures where is_called')).rowCount === 1,
    { what: 'B to fail' },
  );
  // What is claimed after A was given back is sent after A.
  for (let onHand = 2; onHand < 7; onHand += 1) {
    await rig.submit(set('C', onHand));
    await waitFor(() => shown['C'] === onHand || most > 1, { what: `C at ${onHand}` });
  }
  await rig.inspector.query('drop trigger fail on stored_call');
  held.resolve();
  await rig.settled();
  expect(most).toBe(1);
  expect(shown).toEqual({ A: 2, B: 2, C: 6 });
});

test('of full jobs that wait behind small ones no more are read than are called soon', async () => {
  const skus = Array.from({ length: 300 }, (_, n) => `S${String(n).padStart(3, '0')}`);
  let [calls, stale] = [0, 0];
  const [small, full] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let hold: Promise<void> | undefined;
  onTestFinished(() => {
    small.resolve();
    full.resolve();
  });
  const rig = await openRig(
    adapterOf(
      5,
      async (changes) => {
        calls += 1;
        await hold;
        stale += changes.filter(({ version }) => version === 2).length;
      },
      false,
    ),
  );
  // One round at a time.
  await rig.start({ isBusy: () => true, sweepMs: 600_000 });
  await connect(rig);
  await rig.submit(set('A', 1), ...skus.map((sku) => set(sku, 1)));
  await rig.settled();
  const relayed = (): Promise<unknown> =>
    waitFor(async () => (await rig.inspector.query('select from outbox_message')).rowCount === 0, {
      what: 'the relay',
    });
  const called = async (): Promise<void> => {
    const before = calls;
    await waitFor(() => calls > before, { what: 'a call' });
  };
  // The round before has one small job.
  hold = small.promise;
  await Promise.all([rig.submit(set('A', 3)), called()]);
  await rig.submit(...skus.map((sku) => set(sku, 5)));
  await relayed();
  hold = full.promise;
  const next = called();
  small.resolve();
  await next;
  // Everything is sold out while the first of the calls are under way.
  await rig.submit(...skus.map((sku) => set(sku, 0)));
  full.resolve();
  await rig.settled();
  // Of A one, and of the rest what 20 calls hold and a job more.
  expect(stale).toBeLessThan(1 + 100 + 5);
});

test.each([
  ['a busy writer', true],
  ['an idle writer', false],
])('beside %s rounds rest or do not', async (_, isBusy) => {
  // As if each listing were a hundred: 10,800 of them are a second’s.
  const rests = Reflect.get<Pace, 'rests'>(Pace.prototype, 'rests');
  const resting = vi.spyOn(Pace.prototype, 'rests').mockImplementation(function (
    this: Pace,
    begunAt,
    jobs,
  ) {
    const many = jobs.map(({ listings }) => ({ listings: Array(100).fill(listings).flat() }));
    return rests.call(this, begunAt, many);
  });
  onTestFinished(() => resting.mockRestore());
  let told = 0;
  let lastAt = 0;
  const rig = await openRig(
    adapterOf(
      5,
      (changes) => {
        told += changes.length;
        lastAt = performance.now();
        return Promise.resolve();
      },
      false,
    ),
  );
  await rig.start({ isBusy: () => isBusy, sweepMs: 600_000 });
  await connect(rig);
  const from = performance.now();
  await rig.submit(...Array.from({ length: 400 }, (_none, n) => set(`S${n}`, 1)));
  await rig.settled();
  expect(told).toBe(400);
  expect(resting.mock.calls.length > 0).toBe(isBusy);
  // 100 in a round: before the last begins, the time of three is over.
  expect(lastAt - from).toBeGreaterThan(isBusy ? (3 * 100 * 100) / 10.8 : 0);
});

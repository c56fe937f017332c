import type { Pool } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  ChannelServer,
  checkDeliveries,
  connectChannel,
  planFaults,
  settled,
} from '../support/delivery/index.ts';
import {
  checkHistory,
  readEvidence,
  seedFrom,
  startLoad,
  summarise,
  versionsIn,
} from '../support/history/index.ts';
import { createPool } from '../support/patient-pool.ts';
import { report } from '../support/report.ts';
import { adminKey, startService, type Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const seed = seedFrom('DELIVERY_SEED');
const requests = Number(process.env['DELIVERY_REQUESTS'] ?? 2_000);

let database: TestDatabase;
let inspector: Pool;
let services: readonly Service[] = [];
const modes = ['latest', 'every'] as const;
let servers: readonly ChannelServer[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  inspector = createPool({ connectionString: database.connectionString });
  const env = { DATABASE_URL: database.connectionString, RETRY_BASE_MS: '20' };
  services = await Promise.all([startService(env), startService(env)]);
  servers = await Promise.all(modes.map(() => ChannelServer.start()));
});

afterEach(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await Promise.all(servers.map((server) => server.close()));
  await inspector.end();
  await database.drop();
});

test(
  'a channel that fails in every way is told everything, in order, and shows the truth in the end',
  { timeout: 3_600_000 },
  async () => {
    process.stdout.write(`delivery: DELIVERY_SEED=${seed} DELIVERY_REQUESTS=${requests}\n`);
    const [service] = services;
    if (service === undefined) throw new Error('no service');
    const channels = await Promise.all(
      servers.map(async (server, index) => {
        const mode = modes[index] ?? 'latest';
        const plan = planFaults(seed + index);
        server.answer = () => plan.next();
        await connectChannel(service, server, mode, { mode });
        return { server, plan, mode };
      }),
    );
    const targets = (): string[] => services.map(({ url }) => url);
    const load = startLoad({ targets, apiKey: adminKey, seed, clients: 8, requests });
    // A republish in the middle sends everything again, and must not confuse what follows.
    for (const share of [0.3, 0.6]) {
      await waitFor(() => load.answered >= requests * share, { what: 'load', timeoutMs: 600_000 });
      for (const { mode } of channels)
        await service.call('POST', `/api/channels/${mode}/republish`);
    }
    const history = await load.finished;
    for (const { plan } of channels) plan.heal();
    await settled(inspector);
    const evidence = await readEvidence(inspector);
    const violations = checkHistory(history, evidence);
    await report('delivery', 'the load', {
      ...summarise(history, violations),
      versions: versionsIn(evidence),
      seed,
    });
    expect(violations).toEqual([]);
    for (const { server, plan, mode } of channels) {
      const { duplicates, ...found } = checkDeliveries(server.messages, evidence, {
        mode,
        history,
        channelId: mode,
      });
      await report('delivery', `mode ${mode}`, {
        calls: server.messages.length,
        lost: found.lost.length,
        unexpected: found.unexpected.length,
        wentBack: found.wentBack.length,
        wrongAtEnd: found.wrongAtEnd.length,
        duplicates,
        faults: Object.values(plan.injected).reduce((sum, count) => sum + count, 0),
        ...Object.fromEntries(
          Object.entries(plan.injected).map(([fault, count]) => [`fault: ${fault}`, count]),
        ),
      });
      expect(found).toEqual({ lost: [], unexpected: [], wentBack: [], wrongAtEnd: [] });
      expect(server.unsigned).toBe(0);
    }
    await expectCleanAudit(inspector);
  },
);

import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  checkHistory,
  readEvidence,
  runLoad,
  seedFrom,
  summarise,
  versionsIn,
} from '../support/history/index.ts';
import { createPool } from '../support/patient-pool.ts';
import { report } from '../support/report.ts';
import { adminKey, startService, type Service } from '../support/service.ts';

const seed = seedFrom('HISTORY_SEED');
const requests = Number(process.env['HISTORY_REQUESTS'] ?? 5_000);
const clients = 24;

let database: TestDatabase;
let inspector: Pool;
let services: readonly Service[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  inspector = createPool({ connectionString: database.connectionString });
  const env = { DATABASE_URL: database.connectionString };
  services = await Promise.all([startService(env), startService(env)]);
});

const targets = (): string[] => services.map(({ url }) => url);

afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await inspector.end();
  await database.drop();
});

test(
  'whatever clients of two processes do at once, they are told one and the same story',
  { timeout: 3_600_000 },
  async () => {
    process.stdout.write(`history: HISTORY_SEED=${seed} HISTORY_REQUESTS=${requests}\n`);
    const history = await runLoad({ targets, apiKey: adminKey, seed, clients, requests });
    const evidence = await readEvidence(inspector);
    const violations = checkHistory(history, evidence);
    await report('history', 'two processes', {
      ...summarise(history, violations),
      versions: versionsIn(evidence),
      seed,
    });
    expect(violations).toEqual([]);
    await expectCleanAudit(inspector);
  },
);

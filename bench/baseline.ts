import { readFile } from 'node:fs/promises';
import { query, type Lab } from './lab.ts';
import type { LoadSample, SkuChoice } from './load/http-load.ts';
import { measureCost, type Cost } from './measure/cost.ts';
import { runSqlLoad } from './load/sql-load.ts';
import { plenty } from './shop.ts';

export type SqlSample = LoadSample & { readonly cost: Cost };

/** Postgres by hand: the same change as one function call for each transaction. */
export type SqlBaseline = {
  readonly connectionString: string;
  run(skus: SkuChoice, clients: number, seconds: number): Promise<SqlSample>;
  /** How many clients are fastest on these SKUs; looked for once, among those of the scale. */
  bestClients(skus: SkuChoice): Promise<number>;
};

/** Makes a database with the baselines' tables, the function, and 10,000 levels. */
export async function createBaselineDatabase(lab: Lab, name: string): Promise<string> {
  const connectionString = await lab.createDatabase(name);
  for (const file of ['schema.sql', 'adjust-function.sql']) {
    const url = new URL(`./baselines/${file}`, import.meta.url);
    await query(connectionString, await readFile(url, 'utf8'));
  }
  await query(
    connectionString,
    `insert into stock_level (merchant_id, sku, location_id, on_hand, version, updated_at)
     select 'default', 'SKU-' || n, 'main', ${plenty}, 1, now() from generate_series(1, 10000) n`,
  );
  await query(connectionString, 'vacuum analyze');
  return connectionString;
}

export async function openSqlBaseline(lab: Lab): Promise<SqlBaseline> {
  const connectionString = await createBaselineDatabase(lab, 'bench_pgbench');
  const { tools, folder, scale } = lab;
  const best = new Map<string, Promise<number>>();
  const server = { connectionString, postmasterPid: lab.postmasterPid };
  const measure: SqlBaseline['run'] = async (skus, clients, seconds) => {
    const load = { connectionString, skus, clients, seconds, folder };
    const { sample, cost } = await measureCost(server, () => runSqlLoad(load, tools));
    return { ...sample, cost };
  };

  async function probe(skus: SkuChoice): Promise<number> {
    const found: { clients: number; rate: number }[] = [];
    for (const clients of scale.probeClients) {
      found.push({ clients, rate: (await measure(skus, clients, scale.probeSeconds)).rate });
    }
    const rates = found.map(({ clients, rate }) => `${clients}: ${Math.round(rate)}/s`);
    lab.say(`  pgbench by clients (${skus.kind}): ${rates.join(', ')}`);
    return found.toSorted((a, b) => b.rate - a.rate)[0]?.clients ?? 8;
  }

  return {
    connectionString,
    run: measure,
    bestClients(skus) {
      const known = best.get(skus.kind) ?? probe(skus);
      best.set(skus.kind, known);
      return known;
    },
  };
}

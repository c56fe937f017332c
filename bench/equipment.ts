import { createBaselineDatabase, openSqlBaseline, type SqlBaseline } from './baseline.ts';
import type { Lab } from './lab.ts';
import type { SkuChoice } from './load/http-load.ts';
import { runHttpLoad } from './load/http-load.ts';
import { startBaselineServer, type Server } from './service.ts';
import { countLevels, openShop, type Shop } from './shop.ts';

/** What workloads share; each part is started when the first of them needs it. */
export type Equipment = {
  readonly lab: Lab;
  /** A service that has 10,000 SKUs and has been running for a while. */
  shop(): Promise<Shop>;
  /** Postgres by hand. */
  sql(): Promise<SqlBaseline>;
  /** The textbook's server. */
  naive(): Promise<Server>;
  /** Hono answering a constant. */
  constant(): Promise<Server>;
};

export const manySkus: SkuChoice = { kind: 'uniform', count: 10_000 };
export const oneSku: SkuChoice = { kind: 'one', count: 1 };
export const zipfSkus: SkuChoice = { kind: 'zipf', count: 20 };

export function createEquipment(lab: Lab): Equipment {
  return {
    lab,
    shop: once(async () => {
      const shop = await openShop(lab, 'bench_shop');
      await countLevels(shop, { count: manySkus.count });
      await warmUp(lab, shop.service, shop.apiKey);
      return shop;
    }),
    sql: once(() => openSqlBaseline(lab)),
    naive: once(async () => {
      const connectionString = await createBaselineDatabase(lab, 'bench_naive');
      const server = await startBaselineServer('naive-server', lab.folder, connectionString);
      await warmUp(lab, server, '-');
      return server;
    }),
    constant: once(() => startBaselineServer('constant-server', lab.folder)),
  };
}

/** Node compiles what it runs often; nobody measures a service in its first seconds. */
export async function warmUp(lab: Lab, { url }: Server, apiKey: string): Promise<void> {
  const seconds = lab.scale.warmUpSeconds;
  const load = { request: 'adjust', skus: manySkus, connections: 64, seconds } as const;
  await runHttpLoad({ ...load, url, apiKey }, lab.tools);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

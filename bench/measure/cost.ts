import { query } from '../lab.ts';
import type { LoadSample } from '../load/http-load.ts';
import { readFamilyCpuSeconds } from './process-figures.ts';
import { formatNumber } from './statistics.ts';

/** What one request or transaction cost Postgres. */
export type Cost = {
  /** Processor time of all its processes, in µs. */
  readonly postgresMicroseconds: number;
  readonly walBytes: number;
};

/**
 * Runs a load and reads before and after what Postgres has used: the whole server, so only one
 * side may run at a time.
 */
export async function measureCost<T extends LoadSample>(
  { connectionString, postmasterPid }: { connectionString: string; postmasterPid: number },
  runLoad: () => Promise<T>,
): Promise<{ readonly sample: T; readonly cost: Cost }> {
  const look = async () => ({
    wal: await readWalBytes(connectionString),
    cpu: await readFamilyCpuSeconds(postmasterPid),
  });
  const before = await look();
  const sample = await runLoad();
  const after = await look();
  const requests = sample.rate * sample.seconds;
  return {
    sample,
    cost: {
      postgresMicroseconds: ((after.cpu - before.cpu) * 1e6) / requests,
      walBytes: (after.wal - before.wal) / requests,
    },
  };
}

export function describeCost({ postgresMicroseconds, walBytes }: Cost): string {
  const wal = `${formatNumber(walBytes)} bytes of WAL`;
  return `Postgres ${formatNumber(postgresMicroseconds)} µs CPU, ${wal}`;
}

async function readWalBytes(connectionString: string): Promise<number> {
  const [row] = await query<{ bytes: number }>(
    connectionString,
    `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as bytes`,
  );
  return row?.bytes ?? Number.NaN;
}

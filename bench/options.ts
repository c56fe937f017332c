import { parseArgs } from 'node:util';

/** How long and how large: what `--quick` changes. */
export type Scale = {
  readonly quick: boolean;
  /** Files of Postgres' log, 16 MB each, that it has from before. */
  readonly logFiles: number;
  /**
   * A B A B A B: how often each side of a comparison is measured. Short rounds, and many: a machine
   * that is slow for some seconds is slow for both sides.
   */
  readonly rounds: number;
  /** The same where a round takes a minute. */
  readonly longRounds: number;
  readonly oursSeconds: number;
  readonly baselineSeconds: number;
  readonly warmUpSeconds: number;
  /** How long the relay may take to catch up after a round. */
  readonly settleMs: number;
  /** For each number of clients, when the best one for pgbench is looked for. */
  readonly probeSeconds: number;
  readonly probeClients: readonly number[];
  readonly lagSeconds: number;
  readonly lagSkus: number;
  readonly backlogListings: number;
  readonly historyLevels: number;
  /** Ledger entries for each of those levels. */
  readonly historyEntries: number;
  readonly soakSeconds: number;
};

export type Options = {
  readonly scale: Scale;
  /** Names of workloads; empty: all. */
  readonly only: readonly string[];
  /** Measure without wrk and pgbench, as on a machine that lacks them. */
  readonly withoutTools: boolean;
  readonly list: boolean;
  readonly help: boolean;
};

const full: Scale = {
  quick: false,
  logFiles: 160,
  rounds: 7,
  longRounds: 3,
  oursSeconds: 4,
  baselineSeconds: 3,
  warmUpSeconds: 5,
  settleMs: 15_000,
  probeSeconds: 3,
  probeClients: [8, 16, 32, 64],
  lagSeconds: 60,
  lagSkus: 10_000,
  backlogListings: 100_000,
  historyLevels: 1_000_000,
  historyEntries: 10,
  soakSeconds: 600,
};

const quick: Scale = {
  quick: true,
  logFiles: 32,
  rounds: 2,
  longRounds: 1,
  oursSeconds: 1,
  baselineSeconds: 1,
  warmUpSeconds: 1,
  settleMs: 1_000,
  probeSeconds: 1,
  probeClients: [8, 16],
  lagSeconds: 4,
  lagSkus: 2_000,
  backlogListings: 2_000,
  historyLevels: 10_000,
  historyEntries: 4,
  soakSeconds: 5,
};

export const usage = `npm run bench [-- options]

  --quick           everything in less than three minutes: short rounds, less data
  --only NAME       one workload; may be repeated
  --list            the names of the workloads
  --without-tools   autocannon and pg connections in place of wrk and pgbench
`;

/** Reads the command line. Throws on what it does not know. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      'without-tools': { type: 'boolean', default: false },
    },
  });
  return {
    scale: values.quick ? quick : full,
    only: values.only,
    withoutTools: values['without-tools'],
    list: values.list,
    help: values.help,
  };
}

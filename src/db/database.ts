import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import { Pool, types, type CustomTypesConfig } from 'pg';
import { PooledClient } from './pooled-client.ts';
import { parseTimestamp } from './timestamp.ts';

/**
 * Every table of the schema. Each module adds its own in its `tables.ts` (declaration merging), so
 * that this folder knows none of them.
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- filled by the modules' tables.ts
export interface Tables {}

/** For reading, and for a single statement. */
export type Db = Kysely<Tables>;
/** For what writes several rows or locks: the type shows that a transaction is open. */
export type Tx = Transaction<Tables>;

export type DatabaseHandle = {
  readonly db: Db;
  /** The pool under `db`, for the hot path's prepared statements. */
  readonly pool: Pool;
  readonly connectionString: string;
  close(): Promise<void>;
};

export type DatabaseOptions = {
  readonly connectionString: string;
  /** The most connections this process keeps open. */
  readonly poolSize?: number;
  /** Several statements may be on the wire at once; one transaction per client still holds. */
  readonly pipeline?: boolean;
  /** Server settings for each session, e.g. `{ lock_timeout: '2s' }`. */
  readonly sessionSettings?: Readonly<Record<string, string>>;
  readonly applicationName?: string;
  /** How long a connection may take to come about or to be free, in ms; 5 s by default. */
  readonly connectTimeoutMs?: number;
  /** Told about connections that broke while idle; without it they are only replaced. */
  readonly onIdleError?: (error: Error) => void;
};

const int8Oid = 20;
const timestamptzOid = 1184;

/** 64-bit integers as numbers, for these pools only, and never silently rounded. */
function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`integer ${text} is beyond 2^53`);
  return value;
}

const typeParsers: CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    const number: number = oid;
    if (number === int8Oid) return parseInt8;
    if (number === timestamptzOid) return parseTimestamp;
    return types.getTypeParser(oid, format) as (text: string) => unknown;
  },
};

/** Opens a pool. Nothing is connected until the first query. */
export function createPool(options: DatabaseOptions): Pool {
  const settings = Object.entries(options.sessionSettings ?? {});
  const pool = new Pool({
    Client: PooledClient,
    connectionString: options.connectionString,
    max: options.poolSize ?? 10,
    application_name: options.applicationName ?? 'onhand',
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    idleTimeoutMillis: 30_000,
    types: typeParsers,
    ...(options.pipeline === true ? { pipeline: true } : {}),
    ...(settings.length > 0
      ? { options: settings.map(([name, value]) => `-c ${name}=${value}`).join(' ') }
      : {}),
  });
  // Without a listener a broken idle connection would end the process.
  pool.on('error', (error) => options.onIdleError?.(error));
  // The same for one that breaks in use; whoever uses it is told by the failed query.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Opens the database for Kysely and for prepared statements. */
export function openDatabase(options: DatabaseOptions): DatabaseHandle {
  const pool = createPool(options);
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    pool,
    connectionString: options.connectionString,
    close: () => db.destroy(),
  };
}

import { hash } from 'node:crypto';
import {
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
} from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { sqlStateOf } from '../errors.ts';
import type { Db, Tables, Tx } from './database.ts';

/**
 * Begins a statement that is planned once for each session instead of each time: one whose plan
 * does not get worse while the tables grow (decision 0002). Only `pipelined` and `statementsOver`
 * look for it.
 */
export const plannedOnce = '/* planned once */';

/**
 * A transaction whose statements may be sent together: what is started without waiting for the one
 * before goes to the database at once, and is carried out in that order. (Kysely's own transaction
 * lets one statement at a time through, so that each costs a round trip.)
 *
 * When one fails, so do those that were started with it, and the transaction is rolled back. `work`
 * has to wait for all that it started, also then: `together` does.
 *
 * @param pool opened with `pipeline: true`
 */
export async function pipelined<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  const connection = new OneConnection(client);
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(transactionOver(connection));
    // A commit of a transaction that failed rolls it back, and does not fail.
    const { command } = await client.query('commit');
    if (command !== 'COMMIT') throw new Error('the transaction had failed before its commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((cause: unknown) => {
      broken = cause instanceof Error ? cause : new Error('the connection broke', { cause });
    });
    throw error;
  } finally {
    connection.release(broken);
  }
}

/**
 * Waits for all of them, as `Promise.all` does, and longer: also when one fails, so that nothing is
 * under way any more when the transaction ends. Rejects as the first of them did.
 */
export async function together<const T extends readonly unknown[]>(
  started: T,
): Promise<{ -readonly [Key in keyof T]: Awaited<T[Key]> }> {
  await Promise.allSettled(started);
  return await Promise.all(started);
}

/** For single statements, each on any connection of the pool; transactions are `pipelined`'s. */
export function statementsOver(pool: Pool): Db {
  return kyselyOver({
    acquireConnection: async () => new OneConnection(await pool.connect()),
    releaseConnection: (connection) => {
      if (connection instanceof OneConnection) connection.release();
      return nothing();
    },
  });
}

/** What Kysely's functions take for a transaction; it is begun and ended outside. */
function transactionOver(connection: OneConnection): Tx {
  const db = kyselyOver({
    acquireConnection: () => Promise.resolve(connection),
    releaseConnection: nothing,
  });
  return db as unknown as Tx;
}

function kyselyOver(
  connections: Pick<Driver, 'acquireConnection' | 'releaseConnection'>,
): Kysely<Tables> {
  const driver: Driver = {
    init: nothing,
    beginTransaction: unused,
    commitTransaction: unused,
    rollbackTransaction: unused,
    destroy: nothing,
    ...connections,
  };
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => driver,
      createIntrospector: (kysely) => new PostgresIntrospector(kysely),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
}

/** Each costs every session some memory; pg-boss writes a queue's name into its statements. */
const mostNames = 64;
const names = new Map<string, string>();

/** The same for a text in every process, so that a pooler in between may share its sessions. */
function nameOf(text: string): string | undefined {
  let name = names.get(text);
  if (name === undefined && names.size < mostNames) {
    name = `once_${hash('sha256', text, 'hex').slice(0, 16)}`;
    names.set(text, name);
  }
  return name;
}

const nothing = (): Promise<void> => Promise.resolve();
const unused = (): Promise<never> => Promise.reject(new Error('use pipelined for transactions'));

/** "Cached plan must not change result type": a migration passed, and the session knows less. */
const planOutdated = '0A000';

class OneConnection implements DatabaseConnection {
  readonly #client: PoolClient;
  /** A kept plan gives other columns by now: the session is of no use any more. */
  #isOutdated = false;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  release(broken?: Error): void {
    this.#client.release(broken ?? this.#isOutdated);
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const name = sql.startsWith(plannedOnce) ? nameOf(sql) : undefined;
    const query = { text: sql, values: [...parameters], ...(name === undefined ? {} : { name }) };
    const { command, rowCount, rows } = await this.#client.query(query).catch((error: unknown) => {
      this.#isOutdated ||= name !== undefined && sqlStateOf(error) === planOutdated;
      throw error;
    });
    const isChange = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE';
    return isChange ? { rows, numAffectedRows: BigInt(rowCount ?? 0) } : { rows };
  }

  // oxlint-disable-next-line require-yield -- rows are never streamed here
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('a pipelined transaction streams no rows');
  }
}

import type { Client } from 'pg';
import {
  failed,
  readItems,
  type OpenSource,
  type ReadOptions,
  type SourceKey,
  type SourceRead,
} from '../source.ts';
import { openConnection, type Connection } from './connection.ts';
import type { SqlConfig, SqlCredentials } from './kind.ts';
import { serverOf } from './server.ts';

/**
 * How far a query was read. Between reads `newest` is the newest timestamp seen; within one,
 * `since` is where it began, `after` the row that was read last, and `until` the earliest moment at
 * which it looked or stood still: rows may have come behind it since. Timestamps are Postgres' own
 * texts: a Date would lose their microseconds.
 */
type Mark = {
  readonly newest: string | null;
  readonly run?: (Bounds & { readonly after: readonly [string, string] }) | undefined;
};
type Bounds = { readonly since: string; readonly until: string };

/** As many as the largest page. */
const mostCurrentRows = 10_000;

type Row = Record<string, unknown> & { onhand_at: string; onhand_id: string };

/**
 * Opens a query for one run. Rows come in the order of (timestamp, id), and each read begins
 * `overlapSeconds` before the newest row of the one before: a row that was committed late, or with
 * the same timestamp, is behind no watermark. Where the read before took long, or went over several
 * runs, it begins before the moment up to which that one was in time; a row from the future moves
 * nothing beyond that moment. What was read already is known by its figure.
 */
export function openQuery(
  config: SqlConfig,
  credentials: SqlCredentials,
  { allowPrivateAddresses }: { readonly allowPrivateAddresses: boolean },
): OpenSource {
  let connection: Connection | undefined;
  let isFirst = true;
  const connect = (): Connection => {
    // It may be of a time when more was taken.
    const server = serverOf(credentials.url);
    if (server === undefined) throw new CredentialsUnusable();
    return openConnection(server, allowPrivateAddresses);
  };
  // A read that fails, or is ended, takes its connection with it, and no other read's.
  const ask = async (
    { signal }: ReadOptions,
    read: (client: Client) => Promise<SourceRead>,
  ): Promise<SourceRead> => {
    let own: Connection | undefined;
    const stop = (): void => {
      own?.cut();
      if (connection === own) connection = undefined;
    };
    signal.addEventListener('abort', stop);
    try {
      signal.throwIfAborted();
      own = connection ??= connect();
      return await read(await own.begin());
    } catch (error) {
      stop();
      return failed(signal.aborted ? 'timeout' : codeOf(error));
    } finally {
      signal.removeEventListener('abort', stop);
    }
  };
  const readFrom = (mark: Mark, options: ReadOptions, isSnapshot: boolean): Promise<SourceRead> =>
    ask(options, async (client) => {
      const bounds = await boundsOf(client, config, mark, { isFirst, isSnapshot });
      const { limit } = options;
      const page = await readRows(client, config, mark, bounds, { limit, isSnapshot });
      isFirst = false;
      return page;
    });
  return {
    changesSince: (watermark, options) => readFrom(markOf(watermark), options, false),
    snapshot: (cursor, options) => readFrom(markOf(cursor), options, true),
    current: (keys, options) => ask(options, (client) => readCurrent(client, config, keys)),
    close: async () => await connection?.close(),
  };
}

class CredentialsUnusable extends Error {
  readonly code = 'CREDENTIALS_UNUSABLE';
}

async function readRows(
  client: Client,
  config: SqlConfig,
  mark: Mark,
  { since, until }: Bounds,
  { limit, isSnapshot }: { readonly limit: number; readonly isSnapshot: boolean },
): Promise<SourceRead> {
  const inner = config.query.replace(/;\s*$/, '').replaceAll(/(?<!:):since\b/g, '$1::timestamptz');
  const [at, id] = [`q."${config.timestampColumn}"::timestamptz`, `q."${config.idColumn}"::text`];
  await client.query('begin transaction read only');
  const { rows } = await client.query<Row>(
    `select q.*, ${at}::text as onhand_at, ${id} collate "C" as onhand_id from (${inner}) q
     where $1::timestamptz is not null and ($2::timestamptz is null
       or (${at}, ${id} collate "C") > ($2::timestamptz, $3::text collate "C"))
     order by ${at}, ${id} collate "C" limit $4`,
    [since, mark.run?.after[0] ?? null, mark.run?.after[1] ?? null, limit],
  );
  await client.query('commit');
  const last = rows.at(-1);
  const hasMore = rows.length === limit && last !== undefined;
  const newest =
    last === undefined
      ? mark.newest
      : await pickOf(client, 'greatest', mark.newest, last.onhand_at);
  const next: Mark = hasMore
    ? { newest, run: { since, until, after: [last.onhand_at, last.onhand_id] } }
    : { newest: newest === null ? null : await pickOf(client, 'least', newest, until) };
  return {
    kind: 'page',
    page: {
      ...readItems(rows.map((row) => itemOf(row, config))),
      nextWatermark: JSON.stringify(next),
      hasMore,
      isSnapshot,
    },
  };
}

/**
 * What the query says of these SKUs, whenever it changed; the newest row of each comes last. Of a
 * query that keeps what was, the oldest rows stay away.
 */
async function readCurrent(
  client: Client,
  config: SqlConfig,
  keys: readonly SourceKey[],
): Promise<SourceRead> {
  const inner = config.query.replace(/;\s*$/, '').replaceAll(/(?<!:):since\b/g, '$1::timestamptz');
  const [at, id] = [`q."${config.timestampColumn}"::timestamptz`, `q."${config.idColumn}"::text`];
  await client.query('begin transaction read only');
  const { rows } = await client.query<Row>(
    `select q.*, ${at}::text as onhand_at, ${id} collate "C" as onhand_id from (${inner}) q
     where $1::timestamptz is not null and q.sku = any ($2::text[])
     order by ${at} desc, ${id} collate "C" desc limit $3`,
    ['-infinity', [...new Set(keys.map(({ sku }) => sku))], mostCurrentRows],
  );
  await client.query('commit');
  const items = readItems(rows.toReversed().map((row) => itemOf(row, config)));
  return {
    kind: 'page',
    page: { ...items, nextWatermark: null, hasMore: false, isSnapshot: false },
  };
}

/** Of a read that begins, of one that goes on in another run, or of one that is under way. */
async function boundsOf(
  client: Client,
  { overlapSeconds }: SqlConfig,
  { newest, run }: Mark,
  { isFirst, isSnapshot }: { readonly isFirst: boolean; readonly isSnapshot: boolean },
): Promise<Bounds> {
  if (run !== undefined && !isFirst) return run;
  const { rows } = await client.query<Bounds>(
    `select coalesce($1::timestamptz,
         case when $2::timestamptz is not null
           then least($2, now()) - $3::double precision * interval '1 second' end,
         '-infinity')::text as since,
       least(now(), $4::timestamptz, $5::timestamptz)::text as until`,
    [
      run?.since ?? null,
      isSnapshot ? null : newest,
      overlapSeconds,
      run?.until ?? null,
      run?.after[0] ?? null,
    ],
  );
  const [bounds] = rows;
  if (bounds === undefined) throw new Error('the database has no time');
  return bounds;
}

async function pickOf(
  client: Client,
  which: 'greatest' | 'least',
  a: string | null,
  b: string,
): Promise<string> {
  const { rows } = await client.query<{ at: string }>(
    `select ${which}($1::timestamptz, $2::timestamptz)::text as at`,
    [a, b],
  );
  return rows[0]?.at ?? b;
}

/** Columns are named as an item's fields, in either spelling. */
function itemOf(row: Row, config: SqlConfig): unknown {
  const at = new Date(row.onhand_at);
  const version = row['version'];
  return {
    id: row.onhand_id,
    version: version === null || version === undefined ? undefined : textOf(version),
    sku: row['sku'],
    storeId: row['storeId'] ?? row['store_id'] ?? row['storeid'] ?? config.storeId,
    quantity: row['quantity'] ?? config.quantity,
    op: row['op'] ?? 'set',
    value: numberOf(row['value']),
    observedAt: Number.isNaN(at.getTime()) ? row.onhand_at : at.toISOString(),
  };
}

/** numeric and bigint come as texts. */
function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d+\.\d+$/.test(value)
    ? value.replace(/\.0+$/, '')
    : value;
}

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function markOf(watermark: string | null): Mark {
  return watermark === null ? { newest: null } : (JSON.parse(watermark) as Mark);
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return 'network';
  const { code } = error;
  if (code === 'ADDRESS_REFUSED') return 'address_refused';
  if (code === 'CREDENTIALS_UNUSABLE') return 'credentials_unusable';
  if (code === 'ANSWER_TOO_LARGE') return 'invalid_response';
  if (typeof code !== 'string') return 'network';
  return /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code) ? `sql_${code}` : 'network';
}

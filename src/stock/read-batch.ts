import type { Pool, PoolClient } from 'pg';
import { textArray } from '../db/index.ts';
import type { RememberedAnswer } from '../idempotency/index.ts';
import type { Command } from './command.ts';
import { levelId, type Level, type LevelKey } from './level.ts';
import { keyId } from './working-state.ts';

/*
 * Each key is looked up by itself (lateral, offset 0): a join's plan, made while a table was still
 * empty, would read the whole index for each row and be kept while the table grows (measured on a
 * fresh database: 296 µs of Postgres for a change instead of 50 µs).
 *
 * A level says itself before when none of its holds ends; they are looked up from then on.
 *
 * The batch's moment is the database's clock, so processes whose own clocks differ agree on what
 * has expired. It is read together with the levels: whoever commits after this read comes later.
 *
 * The levels come as one JSON text: to read fourteen columns of each one by one costs Node a third
 * more, and Postgres as much (decision 0017).
 */
const levelColumns = `
    u.position, s.version, s.on_hand, s.reserved, s.allocated,
    s.open_orders, s.pending_sales, s.unavailable, s.safety_stock, s.incoming,
    date_part('epoch', s.updated_at) * 1000,
    case when s.first_hold_ends_at <= c.now then (
      select h.ended from holds_at(u.merchant_id, u.sku, u.location_id, c.now) h) else 0 end,
    date_part('epoch', case when s.first_hold_ends_at <= c.now then (
      select h.next_ends from holds_at(u.merchant_id, u.sku, u.location_id, c.now) h)
      else s.first_hold_ends_at end) * 1000,
    s.version is not null or exists (
      select from location l
      where l.merchant_id = u.merchant_id and l.location_id = u.location_id)`;

const levelsQuery = `
  select min(date_part('epoch', c.now)) * 1000, json_agg(json_build_array(${levelColumns}))
  from (
    select greatest(clock_timestamp() + $4 * interval '1 millisecond',
      to_timestamp($5::double precision / 1000)) as now
    offset 0) c
  left join unnest($1::text[], $2::text[], $3::text[])
       with ordinality as u(merchant_id, sku, location_id, position) on true
  left join lateral (
    select * from stock_level s
    where s.merchant_id = u.merchant_id and s.sku = u.sku and s.location_id = u.location_id
    offset 0) s on true`;

/*
 * Of a row that is still the one that was read before (each change of a row has another xmin, also
 * one that is made by hand) nothing is sent, unless a hold of it ends meanwhile.
 */
const changedLevelsQuery = `
  select json_agg(json_build_array(${levelColumns}, s.row))
    filter (where s.row is distinct from u.row or s.first_hold_ends_at <= c.now)
  from (select clock_timestamp() + $5 * interval '1 millisecond' as now offset 0) c
  cross join unnest($1::text[], $2::text[], $3::text[], $4::xid[])
       with ordinality as u(merchant_id, sku, location_id, row, position)
  left join lateral (
    select s.xmin as row, * from stock_level s
    where s.merchant_id = u.merchant_id and s.sku = u.sku and s.location_id = u.location_id
    offset 0) s on true`;

/* Locks are taken in the order of the arrays, which is the same in every process. */
const lockQuery = `
  select from unnest($1::text[], $2::text[], $3::text[]) as u(merchant_id, sku, location_id)
  cross join lateral (
    select from stock_level s
    where s.merchant_id = u.merchant_id and s.sku = u.sku and s.location_id = u.location_id
    for update) s`;

const keysQuery = `
  select k.merchant_id, k.key, k.fingerprint, k.status, k.body, k.expires_at
  from unnest($1::text[], $2::text[]) as u(merchant_id, key)
  cross join lateral (
    select * from idempotency_key k where k.merchant_id = u.merchant_id and k.key = u.key
    offset 0) k`;

type LevelRow = [
  /** Of the key, from 1; null where there was none. */
  position: number | null,
  version: number | null,
  onHand: number,
  reserved: number,
  allocated: number,
  openOrders: number,
  pendingSales: number,
  unavailable: number,
  safetyStock: number,
  incoming: number,
  updatedAtMs: number | null,
  expiredHolds: number,
  nextHoldEndsMs: number | null,
  storeExists: boolean,
];
type ChangedRow = [...LevelRow, row: string | null];
type KeyRow = [string, string, string, number | null, string | null, Date];

export type LevelsRead = {
  /** The batch's moment: not before any change that was read. */
  readonly now: Date;
  /** What the database's own clock showed, in ms since 1970. */
  readonly databaseMs: number;
  readonly levels: Map<string, Level>;
};

export type BatchRead = Pick<LevelsRead, 'now' | 'levels'> & {
  readonly answers: Map<string, RememberedAnswer>;
};

/**
 * Reads all that a batch's commands decide on, in one round trip (the statements are pipelined);
 * in two where a hold ends just then.
 * @param offsetMs moves the database's clock; 0 in production
 * @param lock take the rows' locks first; only inside a transaction
 */
export async function readBatch(
  client: Pool | PoolClient,
  commands: readonly Command[],
  offsetMs: number,
  lock: boolean,
): Promise<BatchRead & LevelsRead> {
  const keys = distinctKeys(commands);
  const locked = lock
    ? client.query({ name: 'stock_lock', text: lockQuery, values: keyColumns(keys) })
    : undefined;
  const levels = readLevels(client, keys, offsetMs);
  const answers = readAnswers(client, commands);
  // All are on the wire; the first failure is the one to report, none may stay unhandled.
  const results = await Promise.allSettled([locked, levels, answers]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  const read = await settleHolds(client, keys, offsetMs, await levels);
  return { ...read, answers: await answers };
}

/** Reads levels by their keys, in any order; with `lock` takes their locks first, in lock order. */
export async function readKeys(
  client: PoolClient,
  keys: readonly LevelKey[],
  offsetMs: number,
  lock: boolean,
): Promise<LevelsRead> {
  const ordered = distinctKeys([{ levelKeys: keys }]);
  if (lock) {
    await client.query({ name: 'stock_lock', text: lockQuery, values: keyColumns(ordered) });
  }
  const read = await readLevels(client, ordered, offsetMs);
  return await settleHolds(client, ordered, offsetMs, read);
}

/**
 * A hold that ended between the moment of the read and the batch's was counted as lasting: holds
 * are read as of the batch's. (The two differ where a level was stamped ahead of the database's
 * clock.)
 */
async function settleHolds(
  client: Pool | PoolClient,
  keys: readonly LevelKey[],
  offsetMs: number,
  first: LevelsRead,
): Promise<LevelsRead> {
  const { databaseMs } = first;
  let read = first;
  let asOfMs = databaseMs + offsetMs;
  while (hasHoldEndedMeanwhile(read, asOfMs)) {
    asOfMs = read.now.getTime();
    read = await readLevels(client, keys, offsetMs, asOfMs);
  }
  return { ...read, databaseMs };
}

function hasHoldEndedMeanwhile({ now, levels }: LevelsRead, asOfMs: number): boolean {
  if (now.getTime() <= asOfMs) return false;
  return [...levels.values()].some(({ nextHoldEndsMs }) => nextHoldEndsMs <= now.getTime());
}

/**
 * Reads levels, each key once, and the moment. A missing level has version 0.
 * @param notBeforeMs the moment is not before it, in ms since 1970
 */
export async function readLevels(
  client: Pool | PoolClient,
  keys: readonly LevelKey[],
  offsetMs: number,
  notBeforeMs = 0,
): Promise<LevelsRead> {
  const answer = await client.query<[nowMs: number, levels: LevelRow[]]>({
    name: 'stock_levels',
    text: levelsQuery,
    values: [...keyColumns(keys), offsetMs, notBeforeMs],
    rowMode: 'array',
  });
  const [row] = answer.rows;
  if (row === undefined) throw new Error('the read has no answer');
  const [databaseMs, rows] = row;
  const levels = toLevels(keys, rows);
  // A process that goes by a guess may have stamped a change a little ahead of the database.
  let nowMs = Math.ceil(databaseMs);
  for (const { updatedAtMs } of levels.values()) nowMs = Math.max(nowMs, updatedAtMs);
  return { now: new Date(nowMs), databaseMs: databaseMs - offsetMs, levels };
}

export type ChangedLevel = {
  readonly level: Level;
  /** By which the next read knows it; null where there is no level. */
  readonly row: string | null;
};

/**
 * Reads the levels that are not as they were, each key once: those of another row than is known,
 * and those of which a hold has ended by the database's clock.
 * @param rows by which the levels of the keys were known when they were read last, null for none
 */
export async function readChangedLevels(
  client: Pool | PoolClient,
  keys: readonly LevelKey[],
  rows: readonly (string | null)[],
  offsetMs: number,
): Promise<readonly ChangedLevel[]> {
  const answer = await client.query<[changed: ChangedRow[] | null]>({
    name: 'stock_changed',
    text: changedLevelsQuery,
    values: [...keyColumns(keys), textArray(rows), offsetMs],
    rowMode: 'array',
  });
  return (answer.rows[0]?.[0] ?? []).flatMap((row) => {
    const key = keys[(row[0] ?? 0) - 1];
    return key === undefined ? [] : [{ level: toLevel(key, row), row: row[14] }];
  });
}

function keyColumns(keys: readonly LevelKey[]): string[] {
  return [
    textArray(keys.map((key) => key.merchantId)),
    textArray(keys.map((key) => key.sku)),
    textArray(keys.map((key) => key.storeId)),
  ];
}

/** Each level that the commands may touch, once, in lock order. */
export function distinctKeys(commands: readonly Pick<Command, 'levelKeys'>[]): LevelKey[] {
  const keys = new Map<string, LevelKey>();
  for (const command of commands) for (const key of command.levelKeys) keys.set(levelId(key), key);
  return [...keys].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key);
}

async function readAnswers(
  client: Pool | PoolClient,
  commands: readonly Command[],
): Promise<Map<string, RememberedAnswer>> {
  const answers = new Map<string, RememberedAnswer>();
  const keyed = commands.filter((command) => command.idempotencyKey !== undefined);
  if (keyed.length === 0) return answers;
  const { rows } = await client.query<KeyRow>({
    name: 'stock_keys',
    text: keysQuery,
    values: [
      textArray(keyed.map((command) => command.merchantId)),
      textArray(keyed.map((command) => command.idempotencyKey?.key ?? '')),
    ],
    rowMode: 'array',
  });
  for (const [merchantId, key, fingerprint, status, body, expiresAt] of rows) {
    const answer = status === null ? undefined : { status, body: body ?? '' };
    answers.set(keyId(merchantId, key), { fingerprint, answer, expiresAt });
  }
  return answers;
}

function toLevels(keys: readonly LevelKey[], rows: readonly LevelRow[]): Map<string, Level> {
  const levels = new Map<string, Level>();
  for (const row of rows) {
    const key = keys[(row[0] ?? 0) - 1];
    if (key !== undefined) levels.set(levelId(key), toLevel(key, row));
  }
  if (levels.size < keys.length) throw new Error('a level is missing from the answer of the read');
  return levels;
}

function toLevel(key: LevelKey, row: LevelRow | ChangedRow): Level {
  return {
    merchantId: key.merchantId,
    sku: key.sku,
    storeId: key.storeId,
    exists: row[1] !== null,
    storeExists: row[13],
    version: row[1] ?? 0,
    onHand: row[2] ?? 0,
    reserved: row[3] ?? 0,
    allocated: row[4] ?? 0,
    openOrders: row[5] ?? 0,
    pendingSales: row[6] ?? 0,
    unavailable: row[7] ?? 0,
    safetyStock: row[8] ?? 0,
    incoming: row[9] ?? 0,
    updatedAtMs: Math.round(row[10] ?? 0),
    expiredHolds: row[11],
    nextHoldEndsMs: row[12] ?? Number.POSITIVE_INFINITY,
  };
}

import type { Pool, PoolClient } from 'pg';
import type { ReservationWrite } from './command.ts';
import { quantities, quantityColumn, type Level, type LevelKey } from './level.ts';
import { rowArray, textField, timeField } from './row-literal.ts';
import type { WorkingState } from './working-state.ts';

/** SQLSTATE of stock_commit when something is no longer as it was read. */
export const staleState = 'OH001';

const parameterCount = 12;
const commitQuery = `select stock_commit(${Array.from(
  { length: parameterCount },
  (_, index) => `$${index + 1}`,
).join(', ')})`;

/**
 * Commits what a batch decided, in one statement. Rejects with SQLSTATE `staleState` when a level,
 * a reservation or a key has moved since the read; nothing is written then.
 * @returns the database's time, in ms since 1970 and parts of one
 */
export async function commitBatch(
  client: Pool | PoolClient,
  state: WorkingState,
  idempotencyTtlSeconds: number,
): Promise<number> {
  const values = [
    state.now.toISOString(),
    new Date(state.now.getTime() + idempotencyTtlSeconds * 1000).toISOString(),
    levelRows(state),
    entryRows(state),
    ...keyRows(state),
    expiredRows(state),
    ...reservationRows(state),
    snapshotRows(state),
    countRows(state),
    state.entries.some(({ command }) => command.provenance.sourceChannel !== null),
  ];
  const { rows } = await client.query<[number]>({
    name: 'stock_commit',
    text: commitQuery,
    values,
    rowMode: 'array',
  });
  return rows[0]?.[0] ?? 0;
}

function snapshotRows({ snapshots }: WorkingState): string | null {
  if (snapshots.length === 0) return null;
  return JSON.stringify(
    snapshots.map((snapshot) => ({
      merchant_id: snapshot.merchantId,
      sku: snapshot.sku,
      location_id: snapshot.storeId,
      version: snapshot.version,
      ...Object.fromEntries(quantities.map((name) => [quantityColumn[name], snapshot[name]])),
    })),
  );
}

function countRows({ counts }: WorkingState): string | null {
  if (counts.length === 0) return null;
  return JSON.stringify(
    counts.map(({ merchantId, sku, storeId, version }) => {
      return { merchant_id: merchantId, sku, location_id: storeId, version };
    }),
  );
}

function levelRows(state: WorkingState): string {
  const rows = state.changedLevels().map(({ level, readVersion }) => {
    return (
      `${levelFields(level)},${readVersion},${level.version},${level.onHand},` +
      `${level.reserved},${level.allocated},${level.openOrders},${level.pendingSales},` +
      `${level.unavailable},${level.safetyStock},${level.incoming},${firstHoldEnds(level)}`
    );
  });
  return rowArray(rows);
}

/** Before when none of its holds ends. One that has ended and was not swept did so before. */
function firstHoldEnds({ expiredHolds, nextHoldEndsMs }: Level): string {
  if (expiredHolds > 0) return '-infinity';
  return Number.isFinite(nextHoldEndsMs) ? timeField(new Date(nextHoldEndsMs)) : '';
}

function entryRows({ entries }: WorkingState): string {
  // Entries of one level mostly follow each other.
  let last: LevelKey | undefined;
  let fields = '';
  return rowArray(
    entries.map(({ level, version, quantity, delta, balanceAfter, command, first }) => {
      const { reason, reference, actor, sourceChannel, occurredAt } = command.provenance;
      if (level !== last) fields = levelFields(level);
      last = level;
      return (
        `${fields},${version},${quantityColumn[quantity]},${delta},${balanceAfter},` +
        `${command.commandId},${textField(reason)},${textField(reference)},${textField(actor)},` +
        `${textField(sourceChannel)},${timeField(occurredAt)},${first}`
      );
    }),
  );
}

function levelFields({ merchantId, sku, storeId }: LevelKey): string {
  return `${textField(merchantId)},${textField(sku)},${textField(storeId)}`;
}

/** The keys and, in the same order, their answers. */
function keyRows(state: WorkingState): [keys: string, answers: string] {
  // In one order everywhere, so that two processes that repeat the same keys do not deadlock.
  const keys = state.keys.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const rows = keys.map(
    ({ merchantId, key, fingerprint, status }) =>
      `${textField(merchantId)},${textField(key)},${fingerprint},${status}`,
  );
  return [rowArray(rows), keys.map(({ body }) => body).join('\u001f')];
}

function expiredRows({ expiredKeys }: WorkingState): string {
  return rowArray(
    expiredKeys.map(({ merchantId, key }) => `${textField(merchantId)},${textField(key)},,`),
  );
}

/** One write for each reservation, however many commands of the batch moved it. */
function mergeReservations({ reservations }: WorkingState): ReservationWrite[] {
  const merged = new Map<string, ReservationWrite>();
  for (const write of reservations) {
    const id = `${write.merchantId}\u0000${write.reservationId}`;
    const { statusRead, newLines } = merged.get(id) ?? write;
    merged.set(id, { ...write, statusRead, newLines });
  }
  return [...merged.values()];
}

function reservationRows(state: WorkingState): [reservations: string, lines: string] {
  const reservations = mergeReservations(state);
  const lines = reservations.flatMap(({ merchantId, reservationId, newLines }) =>
    newLines.map(
      ({ sku, storeId, quantity }) =>
        `${textField(merchantId)},${textField(reservationId)},${textField(sku)},` +
        `${textField(storeId)},${quantity}`,
    ),
  );
  const rows = reservations.map(
    ({ merchantId, reservationId, orderId, statusRead, status, late, expiresAt }) =>
      `${textField(merchantId)},${textField(reservationId)},${textField(orderId)},` +
      `${textField(statusRead)},${textField(status)},${late},${timeField(expiresAt)}`,
  );
  return [rowArray(rows), rowArray(lines)];
}

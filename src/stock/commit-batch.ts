import type { Pool, PoolClient } from 'pg';
import { booleanArray, numberArray, plainArray, textArray, timeArray } from './array-literal.ts';
import type { ReservationWrite } from './command.ts';
import { quantities, quantityColumn } from './level.ts';
import type { WorkingState } from './working-state.ts';

/** SQLSTATE of stock_commit when something is no longer as it was read. */
export const staleState = 'OH001';

const parameterCount = 50;
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
    ...levelColumns(state),
    ...entryColumns(state),
    ...keyColumns(state),
    ...reservationColumns(state),
    snapshotRows(state),
    countRows(state),
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

function levelColumns(state: WorkingState): string[] {
  const changed = state.changedLevels();
  const levels = changed.map(({ level }) => level);
  return [
    textArray(levels.map((level) => level.merchantId)),
    textArray(levels.map((level) => level.sku)),
    textArray(levels.map((level) => level.storeId)),
    numberArray(changed.map(({ readVersion }) => readVersion)),
    numberArray(levels.map((level) => level.version)),
    numberArray(levels.map((level) => level.onHand)),
    numberArray(levels.map((level) => level.reserved)),
    numberArray(levels.map((level) => level.allocated)),
    numberArray(levels.map((level) => level.openOrders)),
    numberArray(levels.map((level) => level.pendingSales)),
    numberArray(levels.map((level) => level.unavailable)),
    numberArray(levels.map((level) => level.safetyStock)),
    numberArray(levels.map((level) => level.incoming)),
  ];
}

function entryColumns({ entries, now }: WorkingState): string[] {
  return [
    textArray(entries.map((entry) => entry.level.merchantId)),
    textArray(entries.map((entry) => entry.level.sku)),
    textArray(entries.map((entry) => entry.level.storeId)),
    numberArray(entries.map((entry) => entry.version)),
    plainArray(entries.map((entry) => quantityColumn[entry.quantity])),
    numberArray(entries.map((entry) => entry.delta)),
    numberArray(entries.map((entry) => entry.balanceAfter)),
    plainArray(entries.map((entry) => entry.command.commandId)),
    textArray(entries.map((entry) => entry.command.provenance.reason)),
    textArray(entries.map((entry) => entry.command.provenance.reference)),
    textArray(entries.map((entry) => entry.command.provenance.actor)),
    textArray(entries.map((entry) => entry.command.provenance.sourceChannel)),
    timeArray(entries.map((entry) => entry.command.provenance.occurredAt ?? now)),
    booleanArray(entries.map((entry) => entry.first)),
  ];
}

function keyColumns(state: WorkingState): string[] {
  // In one order everywhere, so that two processes that repeat the same keys do not deadlock.
  const keys = state.keys.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  return [
    textArray(keys.map((key) => key.merchantId)),
    textArray(keys.map((key) => key.key)),
    plainArray(keys.map((key) => key.fingerprint)),
    numberArray(keys.map((key) => key.status)),
    keys.map((key) => key.body).join('\u001f'),
    textArray(state.expiredKeys.map((key) => key.merchantId)),
    textArray(state.expiredKeys.map((key) => key.key)),
  ];
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

function reservationColumns(state: WorkingState): string[] {
  const reservations = mergeReservations(state);
  const lines = reservations.flatMap((reservation) =>
    reservation.newLines.map((line) => ({ ...line, reservation })),
  );
  return [
    textArray(reservations.map((reservation) => reservation.merchantId)),
    textArray(reservations.map((reservation) => reservation.reservationId)),
    textArray(reservations.map((reservation) => reservation.orderId)),
    textArray(reservations.map((reservation) => reservation.statusRead)),
    textArray(reservations.map((reservation) => reservation.status)),
    booleanArray(reservations.map((reservation) => reservation.late)),
    timeArray(reservations.map((reservation) => reservation.expiresAt)),
    textArray(lines.map((line) => line.reservation.merchantId)),
    textArray(lines.map((line) => line.reservation.reservationId)),
    textArray(lines.map((line) => line.sku)),
    textArray(lines.map((line) => line.storeId)),
    numberArray(lines.map((line) => line.quantity)),
  ];
}

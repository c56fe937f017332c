import { randomUUID } from 'node:crypto';
import { newId } from '../ids.ts';
import {
  guardLevel,
  viewLevel,
  type Command,
  type Expectation,
  type IdempotencyKey,
} from '../stock/index.ts';
import { decideReserve, isRefusal, linesAtLevels } from './decide.ts';
import { aggregateLines, viewReservation, type Line, type Reservation } from './reservation.ts';

export type CreateReservation = {
  readonly merchantId: string;
  readonly orderId: string | null;
  /** 1 or more; the same SKU at the same store is added up. */
  readonly lines: readonly Line[];
  readonly ttlSeconds: number;
  readonly actor: string | null;
  readonly sourceChannel?: string | undefined;
  /** When it happened in the world; absent: when it is recorded. */
  readonly occurredAt?: Date | undefined;
  readonly idempotencyKey?: IdempotencyKey | undefined;
};

/**
 * Holds stock for an order for a limited time, all lines or none; answered with 201 and the
 * reservation. Refusals: STORE.NOT_FOUND, STOCK.INSUFFICIENT, STOCK.OUT_OF_RANGE.
 */
export function createReservation(input: CreateReservation): Command {
  return reservationCommand(input, {}, (reservation) => reservation);
}

/**
 * Holds stock of one level; answered with 201 and `{ reservation, level }`.
 * Refusals: those of `createReservation`, before them those of the expectation:
 * STOCK.PRECONDITION_FAILED, STOCK.VERSION_CONFLICT.
 */
export function reserveAtLevel(
  input: Omit<CreateReservation, 'lines'> & { readonly line: Line },
  expectation: Expectation,
): Command {
  return reservationCommand(
    { ...input, lines: [input.line] },
    expectation,
    (reservation, levels) => ({ reservation, level: levels[0] }),
  );
}

function reservationCommand(
  input: CreateReservation,
  expectation: Expectation,
  shape: (reservation: unknown, levels: unknown[]) => unknown,
): Command {
  const { merchantId, orderId } = input;
  const lines = aggregateLines(input.lines);
  const reservationId = newId('rsv');
  return {
    merchantId,
    commandId: randomUUID(),
    levelKeys: lines.map(({ sku, storeId }) => ({ merchantId, sku, storeId })),
    provenance: {
      reason: 'reservation.created',
      reference: orderId ?? reservationId,
      actor: input.actor,
      sourceChannel: input.sourceChannel ?? null,
      occurredAt: input.occurredAt ?? null,
    },
    idempotencyKey: input.idempotencyKey,
    decide(context) {
      const atLevels = linesAtLevels(merchantId, lines, context);
      if (expectation.ifMatch !== undefined || expectation.expectedVersion !== undefined) {
        for (const { level } of atLevels) {
          const refusal = guardLevel(level, expectation);
          if (refusal !== undefined) return { refusal };
        }
      }
      const decision = decideReserve(atLevels);
      if (isRefusal(decision)) return { refusal: decision };
      const reservation: Reservation = {
        merchantId,
        reservationId,
        orderId,
        status: 'active',
        late: false,
        expiresAt: new Date(context.now.getTime() + input.ttlSeconds * 1000),
        lines,
      };
      return {
        changes: decision,
        reservations: [{ ...reservation, statusRead: null, newLines: lines }],
        answer: () => ({
          status: 201,
          body: JSON.stringify(
            shape(
              viewReservation(reservation, context.now),
              atLevels.map(({ level }) => viewLevel(level)),
            ),
          ),
        }),
      };
    },
  };
}

import type { Pool, PoolClient } from 'pg';
import type { Refusal } from '../errors.ts';
import type { Level, LevelKey, Quantity } from './level.ts';

/** Who changed stock, and why: kept with each ledger entry. */
export type Provenance = {
  readonly reason: string | null;
  readonly reference: string | null;
  readonly actor: string | null;
  readonly sourceChannel: string | null;
  /** When it happened in the world; null: when it was recorded. */
  readonly occurredAt: Date | null;
};

/** The caller's name for one request, and what the request said. */
export type IdempotencyKey = {
  readonly key: string;
  /** From `fingerprint()`: the same request has the same one. */
  readonly fingerprint: string;
};

/** What the caller is told, kept with the idempotency key and given again on a repeat. */
export type Answer = { readonly status: number; readonly body: string };

/** One signed change of one quantity. */
export type QuantityChange = { readonly quantity: Quantity; readonly delta: number };

/** What one command does to one level: one version, one ledger entry for each change. */
export type LevelChange = {
  readonly level: Level;
  readonly changes: readonly QuantityChange[];
  /** The figure was counted: nothing moved, whatever the delta says. */
  readonly isCount?: boolean;
  /** Units of the change to `reserved` that were a hold which had already ended. */
  readonly expiredHoldsDelta?: number;
};

/** A reservation as a batch writes it. `statusRead` null: it is new. */
export type ReservationWrite = {
  readonly merchantId: string;
  readonly reservationId: string;
  readonly orderId: string | null;
  readonly statusRead: string | null;
  readonly status: string;
  readonly late: boolean;
  readonly expiresAt: Date;
  /** Lines of a new reservation; those of an older one never change. */
  readonly newLines: readonly { sku: string; storeId: string; quantity: number }[];
};

/**
 * What a command comes to: a refusal, or changes and the answer to give once they are committed.
 * Without changes it is applied already, and only its answer is remembered.
 */
export type Decision =
  | { readonly refusal: Refusal }
  | {
      readonly refusal?: undefined;
      readonly changes: readonly LevelChange[];
      readonly reservations?: readonly ReservationWrite[];
      /** Called after the changes are applied to the levels, before the commit. */
      answer(): Answer;
    };

/** What `decide` may look at: the levels as the commands before it in the batch left them. */
export type DecisionContext = {
  /** The batch's moment, by the database's clock. */
  readonly now: Date;
  level(key: LevelKey): Level;
};

/** Reads what commands need besides levels, once for all of a batch that share the loader. */
export type Loader<C extends Command = Command> = {
  /** Called before the levels are read, on every attempt; may set a command's `levelKeys`. */
  load(client: Pool | PoolClient, commands: readonly C[]): Promise<void>;
};

/** One requested change. */
export type Command = {
  readonly merchantId: string;
  /** UUID that stands in each ledger entry of the command. */
  readonly commandId: string;
  /** The levels it may touch. */
  readonly levelKeys: readonly LevelKey[];
  readonly provenance: Provenance;
  readonly idempotencyKey?: IdempotencyKey | undefined;
  readonly loader?: Loader | undefined;
  /** Pure: guards in their order, each with one refusal; then what to change. */
  decide(context: DecisionContext): Decision;
};

export type Outcome =
  | { readonly kind: 'applied'; readonly answer: Answer }
  | { readonly kind: 'replayed'; readonly answer: Answer }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

import type { AdjustableQuantity, Mode, Quantity } from '../../../src/stock/index.ts';

// What a load did and was told: the material of the checkers.

export type LevelName = { readonly storeId: string; readonly sku: string };
export type Line = LevelName & { readonly quantity: number };

/** A change of one quantity of one level, however it was asked for. */
export type AdjustAsked = {
  readonly kind: 'adjust';
  readonly level: LevelName;
  readonly quantity: AdjustableQuantity;
  readonly delta: number;
  readonly mode: Mode;
  readonly expectedVersion?: number;
};

export type SetAsked = {
  readonly kind: 'set';
  readonly level: LevelName;
  readonly onHand: number;
  readonly expectedVersion?: number;
};

export type HoldAsked = {
  readonly kind: 'hold';
  readonly orderId: string;
  /** No level twice. */
  readonly lines: readonly Line[];
  readonly ttlSeconds: number;
  readonly expectedVersion?: number;
};

/** A step of a reservation that exists; `confirm` without one takes its lines from stock. */
export type MoveAsked = {
  readonly kind: 'commit' | 'release' | 'extend' | 'confirm' | 'cancel';
  readonly orderId: string;
  readonly reservationId: string | null;
  readonly lines: readonly Line[];
  /** Of an extension. */
  readonly ttlSeconds?: number;
};

export type ReadAsked = { readonly kind: 'read'; readonly level: LevelName };

export type Asked = AdjustAsked | SetAsked | HoldAsked | MoveAsked | ReadAsked;

/** A level as an answer showed it: all of its figures, or those that the answer has. */
export type ShownLevel = LevelName & { readonly version: number } & Partial<
    Readonly<Record<Quantity | 'available', number>>
  >;

export type Outcome =
  | {
      readonly kind: 'ok';
      readonly shown: readonly ShownLevel[];
      readonly reservationId?: string;
      /** Milliseconds since 1970. */
      readonly expiresAtMs?: number;
    }
  | {
      readonly kind: 'refused';
      readonly code: string;
      /** The members of the problem document: the stated figures are among them. */
      readonly problem: Readonly<Record<string, unknown>>;
    }
  /** Nobody knows whether it was done: the connection broke, it took too long, or 5xx. */
  | { readonly kind: 'unknown'; readonly why: string };

/**
 * One thing asked for, from the first time it was sent to the answer that settled it. Its id is
 * its idempotency key, and the `reference` of an adjustment or a count; the `reference` of what
 * happens to a reservation is its order.
 */
export type Operation = {
  readonly id: string;
  /** Each client does one thing after the other. */
  readonly client: number;
  readonly asked: Asked;
  /** Sent with a key, so that it could be sent again. */
  readonly hasKey: boolean;
  /** It used the key of this other operation, and must be refused. */
  readonly misusesKeyOf?: string;
  /** The request that it was one mutation of. */
  readonly bulk?: { readonly id: string; readonly atomic: boolean };
  /** Milliseconds since 1970, from one clock that never goes back. */
  readonly startMs: number;
  readonly endMs: number;
  /** How often it was sent; 2 and more: the outcome was unknown, or it was repeated on purpose. */
  readonly attempts: number;
  /** How many of them had no answer that tells what became of it. */
  readonly unknownAttempts: number;
  /** Two answers of success to the same key that were not the same. */
  readonly differing?: string;
  readonly outcome: Outcome;
};

export type History = { readonly seed: number; readonly operations: readonly Operation[] };

/** One entry of the ledger. */
export type LedgerRow = LevelName & {
  readonly entryId: string;
  readonly version: number;
  readonly quantity: Quantity;
  readonly delta: number;
  readonly balanceAfter: number;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly sourceChannel: string | null;
  readonly commandId: string;
  /** Milliseconds since 1970. */
  readonly recordedAtMs: number;
};

export type LevelRow = LevelName &
  Readonly<Record<Quantity, number>> & { readonly version: number };

/** What the database says afterwards: the ledger by level and version, and the levels. */
export type Evidence = {
  readonly entries: readonly LedgerRow[];
  readonly levels: readonly LevelRow[];
  /** When it was read, by the database's clock: milliseconds since 1970. */
  readonly readAtMs: number;
};

export type ViolationKind =
  /** The versions of a level are not 1 … n. */
  | 'gap'
  /** The ledger does not add up, or not to the level. */
  | 'balance'
  /** Answered with success, and the ledger does not have it. */
  | 'lost'
  /** One operation changed a level twice. */
  | 'doubled'
  /** The ledger has what nobody asked for, or what was refused. */
  | 'unexpected'
  /** A guarded change or a hold took more than was available. */
  | 'oversold'
  /** It changed other figures than were asked for, or should have been refused. */
  | 'wrong-change'
  /** An answer shows figures that the level did not have at that version. */
  | 'wrong-figures'
  /** At no moment while it was asked was the refusal right. */
  | 'wrong-refusal'
  /** What ended before another began has the higher version. */
  | 'real-time'
  /** A read showed an older version than had been shown before it began. */
  | 'went-back'
  /** Of what belongs together only a part was done. */
  | 'torn'
  /** A repeat had another answer than the first. */
  | 'answers-differ'
  /** Sent with a key and never answered. */
  | 'unsettled';

export type Violation = {
  readonly kind: ViolationKind;
  /** `storeId sku`. */
  readonly level?: string;
  /** Ids of the operations that show it. */
  readonly operations: readonly string[];
  readonly what: string;
};

/** A map key of a level. */
export function nameOf({ storeId, sku }: LevelName): string {
  return `${storeId} ${sku}`;
}

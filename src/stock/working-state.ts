import { refuse } from '../errors.ts';
import { judgeKey, type RememberedAnswer } from '../idempotency/index.ts';
import type {
  Command,
  DecisionContext,
  LevelChange,
  Outcome,
  ReservationWrite,
} from './command.ts';
import { levelId, type Level, type LevelKey, type Quantity } from './level.ts';

/** A ledger entry as the batch writes it. */
export type EntryWrite = {
  readonly level: Level;
  readonly version: number;
  readonly quantity: Quantity;
  readonly delta: number;
  readonly balanceAfter: number;
  readonly command: Command;
  /** The first entry of a command at a level carries the outbox message of both. */
  readonly first: boolean;
};

/** A level as one version left it. */
export type SnapshotWrite = Readonly<Pick<Level, keyof LevelKey | Quantity | 'version'>>;

/** A version of a level that is a count. */
export type CountWrite = Readonly<Pick<Level, keyof LevelKey | 'version'>>;

export type KeyWrite = {
  readonly merchantId: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly status: number;
  readonly body: string;
};

const notFound: Omit<Level, keyof LevelKey> = {
  exists: false,
  storeExists: false,
  reserved: 0,
  expiredHolds: 0,
  nextHoldEndsMs: Number.POSITIVE_INFINITY,
  onHand: 0,
  allocated: 0,
  openOrders: 0,
  pendingSales: 0,
  unavailable: 0,
  safetyStock: 0,
  incoming: 0,
  version: 0,
  updatedAtMs: 0,
};

const notApplied = refuse('MUTATIONS.NOT_APPLIED', 'Another mutation of the request was refused.');

/**
 * The levels and keys of one batch while its commands are decided one after the other. Each sees
 * what those before it did; a refused one leaves no trace.
 */
export class WorkingState implements DecisionContext {
  readonly now: Date;
  readonly entries: EntryWrite[] = [];
  readonly keys: KeyWrite[] = [];
  /** Keys that the database still has although their time is over. */
  readonly expiredKeys: { readonly merchantId: string; readonly key: string }[] = [];
  readonly reservations: ReservationWrite[] = [];
  readonly snapshots: SnapshotWrite[] = [];
  readonly counts: CountWrite[] = [];
  readonly #levels: Map<string, Level>;
  readonly #answers: Map<string, RememberedAnswer>;
  readonly #readVersions = new Map<Level, number>();
  #undo: { level: Level; before: Level }[] | undefined;

  readonly #snapshotEvery: number;

  /** @param snapshotEvery versions of a level from one snapshot to the next */
  constructor(
    now: Date,
    levels: Map<string, Level>,
    answers: Map<string, RememberedAnswer>,
    snapshotEvery = 50,
  ) {
    this.now = now;
    this.#snapshotEvery = snapshotEvery;
    this.#levels = levels;
    this.#answers = answers;
  }

  level(key: LevelKey): Level {
    const id = levelId(key);
    let level = this.#levels.get(id);
    if (level === undefined) {
      level = { ...notFound, merchantId: key.merchantId, sku: key.sku, storeId: key.storeId };
      this.#levels.set(id, level);
    }
    return level;
  }

  /** All levels that were read or asked for. */
  get levels(): Iterable<Level> {
    return this.#levels.values();
  }

  /** Whether each level that was read has been changed: its version is checked in the commit. */
  get changesEveryLevel(): boolean {
    let changed = 0;
    for (const [level, readVersion] of this.#readVersions) {
      if (level.version !== readVersion) changed += 1;
    }
    return changed === this.#levels.size;
  }

  /** The changed levels with the version at which each was read, in lock order. */
  changedLevels(): { level: Level; readVersion: number }[] {
    return [...this.#readVersions]
      .filter(([level, readVersion]) => level.version !== readVersion)
      .map(([level, readVersion]) => ({ level, readVersion, id: levelId(level) }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Decides one command and, unless it is refused, applies it to the running state. */
  run(command: Command): Outcome {
    const key = command.idempotencyKey;
    const id = key === undefined ? '' : keyId(command.merchantId, key.key);
    const known = key === undefined ? undefined : this.#answers.get(id);
    if (key !== undefined) {
      const verdict = judgeKey(known, key.fingerprint, this.now);
      if (verdict.kind === 'refused') return verdict;
      if (verdict.kind === 'replayed') return verdict;
    }
    const decision = command.decide(this);
    if (decision.refusal !== undefined) return { kind: 'refused', refusal: decision.refusal };

    for (const change of decision.changes) this.#apply(change, command);
    if (decision.reservations !== undefined) this.#hold(decision.reservations, decision.changes);
    const answer = decision.answer();
    if (key !== undefined) {
      const { status, body } = answer;
      const { merchantId } = command;
      this.keys.push({ merchantId, key: key.key, fingerprint: key.fingerprint, status, body });
      if (known?.expiresAt !== undefined) {
        this.expiredKeys.push({ merchantId: command.merchantId, key: key.key });
      }
      const { fingerprint } = key;
      this.#answers.set(id, { fingerprint, answer, expiresAt: undefined });
    }
    return { kind: 'applied', answer };
  }

  /** Runs all commands or, when one is refused, none: the state is then as before. */
  runAllOrNone(commands: readonly Command[]): Outcome[] {
    const marks = [this.entries.length, this.keys.length, this.reservations.length] as const;
    const [snapshots, counts] = [this.snapshots.length, this.counts.length];
    const undo: { level: Level; before: Level }[] = [];
    this.#undo = undo;
    const outcomes = commands.map((command) => this.run(command));
    this.#undo = undefined;
    if (outcomes.every((outcome) => outcome.kind !== 'refused')) return outcomes;

    for (const { level, before } of undo.toReversed()) Object.assign(level, before);
    const undone = new Set(
      this.keys.slice(marks[1]).map(({ merchantId, key }) => keyId(merchantId, key)),
    );
    for (const id of undone) this.#answers.delete(id);
    this.entries.length = marks[0];
    this.keys.length = marks[1];
    this.reservations.length = marks[2];
    this.snapshots.length = snapshots;
    this.counts.length = counts;
    return outcomes.map((outcome, index) => {
      if (outcome.kind === 'refused') return outcome;
      const command = commands[index];
      const key = command?.idempotencyKey?.key ?? '';
      // The answer of an earlier request stands; one of this request never was.
      const isEarlier =
        outcome.kind === 'replayed' && !undone.has(keyId(command?.merchantId ?? '', key));
      return isEarlier ? outcome : { kind: 'refused', refusal: notApplied };
    });
  }

  #hold(writes: readonly ReservationWrite[], changes: readonly LevelChange[]): void {
    this.reservations.push(...writes);
    for (const { status, expiresAt } of writes) {
      if (status !== 'active') continue;
      for (const { level } of changes) {
        level.nextHoldEndsMs = Math.min(level.nextHoldEndsMs, expiresAt.getTime());
      }
    }
  }

  #apply({ level, changes, isCount, expiredHoldsDelta = 0 }: LevelChange, command: Command): void {
    this.#undo?.push({ level, before: { ...level } });
    if (!this.#readVersions.has(level)) this.#readVersions.set(level, level.version);
    level.exists = true;
    level.version += 1;
    level.updatedAtMs = this.now.getTime();
    level.expiredHolds += expiredHoldsDelta;
    let first = true;
    for (const { quantity, delta } of changes) {
      level[quantity] += delta;
      this.entries.push({
        level,
        version: level.version,
        quantity,
        delta,
        balanceAfter: level[quantity],
        command,
        first,
      });
      first = false;
    }
    if (level.reserved === 0) level.nextHoldEndsMs = Number.POSITIVE_INFINITY;
    if (isCount === true) this.counts.push({ ...level });
    if (level.version % this.#snapshotEvery === 0) this.snapshots.push({ ...level });
  }
}

export function keyId(merchantId: string, key: string): string {
  return `${merchantId}\u0000${key}`;
}

import type { Pool, PoolClient } from 'pg';
import type { Clock } from '../clock.ts';
import { classifyFailure } from '../db/index.ts';
import { DatabaseUnavailable, refuse, sqlStateOf } from '../errors.ts';
import { passFailpoint } from '../failpoint.ts';
import type { Command, Outcome } from './command.ts';
import { commitBatch, staleState } from './commit-batch.ts';
import type { LevelMemory, Recalled } from './level-memory.ts';
import { levelId } from './level.ts';
import { loadCommands } from './load-commands.ts';
import { LostInCommit, wasCommitted, type LostAttempt } from './lost-attempt.ts';
import { distinctKeys, readBatch, readKeys, type BatchRead } from './read-batch.ts';
import type { Turn, Turns } from './turns.ts';
import { WorkingState } from './working-state.ts';

/** How one batch went: what an operator needs to see why a request waited. */
export type BatchReport = {
  readonly commands: number;
  /** How long the batch's oldest command waited in the queue, in ms. */
  readonly queuedMs: number;
  /** 0 when all levels were remembered. */
  readonly readMs: number;
  readonly commitMs: number;
  /** 1 when nobody was in the way. */
  readonly attempts: number;
};

export type BatchOptions = {
  /** Connections of its own, opened with `pipeline: true`. */
  readonly pool: Pool;
  readonly clock: Clock;
  /** Attempts for a batch, 1 … ; all after the first take the locks first. */
  readonly maxRetries: number;
  /** A command that could not be committed by then is refused with STOCK.BUSY, in ms. */
  readonly timeoutMs: number;
  readonly idempotencyTtlSeconds: number;
  /** Versions of a level from one snapshot to the next, 1 … ; 50 when absent. */
  readonly snapshotEvery?: number;
  readonly onCommitted?: () => void;
  readonly onBatch?: (report: BatchReport) => void;
};

/** Commands that were submitted together. */
export type BatchUnit = {
  readonly commands: readonly Command[];
  readonly atomic: boolean;
  /** By `performance.now()`. */
  readonly queuedAt: number;
};

/** One attempt at a batch. */
type Attempt = {
  readonly number: number;
  readonly queuedMs: number;
  /** Take the levels' locks before reading. */
  readonly lock: boolean;
  readonly lost: readonly LostAttempt[];
  readonly levels: LevelMemory;
  readonly recalled: Recalled | undefined;
  /** What was decided on that, where it was. */
  guess?: DecidedBatch;
  /** Of which it is the only attempt; later ones do without. */
  readonly turn: Turn | undefined;
};

const lockNotAvailable = '55P03';

/** SQLSTATEs after which the same commands may be read, decided and committed again. */
const retriable = new Set([staleState, '23505', '40001', '40P01', lockNotAvailable]);

const busy = refuse('STOCK.BUSY', 'The change could not be committed in time; try again.');

/** Some levels of a batch of several units were locked by somebody else for too long. */
export class LevelsLocked extends Error {
  constructor(cause: unknown) {
    super('levels are locked', { cause });
    this.name = 'LevelsLocked';
  }
}

/** What all commands of units are answered that could not be committed in time. */
export function refuseBusy(units: readonly Pick<BatchUnit, 'commands'>[]): Outcome[][] {
  return units.map((unit) => unit.commands.map(() => ({ kind: 'refused', refusal: busy })));
}

/** What a writer learns from one batch for the next. */
export type WriterMemory = {
  readonly levels: LevelMemory;
  readonly turns: Turns;
};

/**
 * Decides and commits units of commands as one batch, and answers for each in order. Refusals:
 * those of the commands; STOCK.BUSY when the batch could not be committed in time. Rejects with
 * `DatabaseUnavailable`; with `LevelsLocked`, where only some of several units may be concerned; or
 * with what Postgres says of a command that it will not take.
 * @param turn for the first attempt, and ended by it
 */
export async function runBatch(
  options: BatchOptions,
  units: readonly BatchUnit[],
  memory: WriterMemory,
  turn?: Turn,
): Promise<Outcome[][]> {
  const startedAt = performance.now();
  const queuedMs = startedAt - Math.min(...units.map((unit) => unit.queuedAt));
  const lost: LostAttempt[] = [];
  const { levels, turns } = memory;
  const commands = units.flatMap((unit) => unit.commands);
  const recalled = levels.recall(commands, options.clock.offsetMs);
  for (let number = 1; ; number += 1) {
    const attempt: Attempt = {
      number,
      queuedMs,
      lock: lost.length > 0 || number > 2,
      lost,
      levels,
      recalled: number === 1 ? recalled : undefined,
      turn: number === 1 ? turn : undefined,
    };
    try {
      const outcomes = await attemptBatch(options, units, attempt);
      if (attempt.guess === undefined) turns.saw(false);
      return outcomes;
    } catch (error) {
      const code = sqlStateOf(error) ?? '';
      // While an attempt may have been committed, no error says that nothing was.
      const isFinal = !retriable.has(code) && !(error instanceof LostInCommit);
      if (isFinal && lost.length === 0) throw error;
      if (code === staleState && attempt.guess === undefined) turns.saw(true);
      if (error instanceof LostInCommit && error.attempt !== undefined) lost.push(error.attempt);
      const late = performance.now() - startedAt > options.timeoutMs;
      if (number >= options.maxRetries || late) {
        if (error instanceof LostInCommit || lost.length > 0) throw new DatabaseUnavailable(error);
        if (code === lockNotAvailable && units.length > 1) throw new LevelsLocked(error);
        return refuseBusy(units);
      }
    }
  }
}

/** What was decided, still to be committed. */
type DecidedBatch = { readonly state: WorkingState; readonly outcomes: Outcome[][] };

/**
 * A batch decided on what is remembered, and on what had to be read besides, if the commit can
 * prove it: every level that was looked at is changed, so that its version is compared. A refusal
 * changes nothing, and would stand unproved; a key that is known is found out by the commit.
 */
async function guessBatch(
  client: PoolClient,
  options: BatchOptions,
  units: readonly BatchUnit[],
  { recalled, levels: memory }: Attempt,
): Promise<DecidedBatch | undefined> {
  // The session may be new, and all have been forgotten because of that.
  if (recalled === undefined || recalled.forgotten !== memory.forgotten) return undefined;
  const { levels, missing } = recalled;
  let { now } = recalled;
  if (missing.length > 0) {
    const askedAt = performance.now();
    const read = await readKeys(client, missing, options.clock.offsetMs, false);
    memory.clock.hear(read.databaseMs, askedAt);
    for (const [id, level] of read.levels) levels.set(id, level);
    if (read.now > now) ({ now } = read);
    for (const { nextHoldEndsMs } of levels.values()) {
      if (nextHoldEndsMs <= now.getTime()) return undefined;
    }
  }
  const batch = decideBatch(options, { now, levels, answers: new Map() }, units);
  const isRefused = batch.outcomes.some((unit) => unit.some(({ kind }) => kind === 'refused'));
  return isRefused || !batch.state.changesEveryLevel ? undefined : batch;
}

async function attemptBatch(
  options: BatchOptions,
  units: readonly BatchUnit[],
  attempt: Attempt,
): Promise<Outcome[][]> {
  const { turn } = attempt;
  const client = turn?.client ?? (await connect(options.pool));
  let broken: Error | undefined;
  try {
    return await readDecideCommit(client, options, units, attempt);
  } catch (error) {
    const { guess } = attempt;
    if (guess !== undefined) attempt.levels.wasWrong(guess.state.levels);
    const failure = error instanceof LostInCommit ? 'lost' : classifyFailure(error, true);
    if (failure === 'server' || error instanceof DecisionFault) {
      if (attempt.lock) await client.query('rollback').catch((e: Error) => (broken = e));
      throw error;
    }
    broken = error instanceof Error ? error : new Error('the connection broke');
    // Lost while reading: nothing was written by this attempt.
    throw error instanceof LostInCommit ? error : new LostInCommit(error, undefined);
  } finally {
    if (turn === undefined) client.release(broken);
    else turn.end();
  }
}

async function readDecideCommit(
  client: PoolClient,
  options: BatchOptions,
  units: readonly BatchUnit[],
  attempt: Attempt,
): Promise<Outcome[][]> {
  const started = performance.now();
  const guess = await guessBatch(client, options, units, attempt);
  if (guess !== undefined) attempt.guess = guess;
  const batch = guess ?? (await readAndDecide(client, options, units, attempt));
  if (!('state' in batch)) return batch.lostOutcomes;
  const isRemembered = guess !== undefined && attempt.recalled?.missing.length === 0;
  const { state, outcomes } = batch;
  const readDone = performance.now();
  const { entries, keys, reservations } = state;
  const writes = entries.length + keys.length + reservations.length > 0;
  if (writes) await commit(client, options, batch, attempt);
  else if (attempt.lock) await client.query('rollback');
  attempt.levels.keep(state.levels);
  options.onBatch?.({
    commands: units.reduce((sum, unit) => sum + unit.commands.length, 0),
    queuedMs: attempt.queuedMs,
    readMs: isRemembered ? 0 : readDone - started,
    commitMs: performance.now() - readDone,
    attempts: attempt.number,
  });
  return outcomes;
}

/** Reads what the commands decide on, and decides; or finds that a lost attempt was committed. */
async function readAndDecide(
  client: PoolClient,
  options: BatchOptions,
  units: readonly BatchUnit[],
  { lock, lost, levels }: Attempt,
): Promise<DecidedBatch | { readonly lostOutcomes: Outcome[][] }> {
  const commands = units.flatMap((unit) => unit.commands);
  const begun = lock ? client.query('begin') : undefined;
  await Promise.all([begun, loadCommands(client, commands)]);
  const { offsetMs } = options.clock;
  const askedAt = performance.now();
  let read = await readBatch(client, commands, offsetMs, lock);
  levels.clock.hear(read.databaseMs, askedAt);
  // What was loaded before the levels may be older than they are, and would not be found out: it is
  // loaded anew. What moves after that moves the version of a level.
  while (commands.some(({ loader }) => loader !== undefined)) {
    await loadCommands(client, commands);
    const { levels: known } = read;
    if (distinctKeys(commands).every((key) => known.has(levelId(key)))) break;
    read = await readBatch(client, commands, offsetMs, lock);
  }
  // After the read, so that a lost attempt is either seen here or fails at its own check.
  for (const attempt of lost) {
    if (await wasCommitted(client, attempt)) {
      await client.query('rollback');
      return { lostOutcomes: attempt.outcomes };
    }
  }
  return decideBatch(options, read, units);
}

/** A bug in a decision is no lost connection: it is not tried again. */
class DecisionFault extends Error {
  constructor(cause: unknown) {
    super('a command could not be decided', { cause });
    this.name = 'DecisionFault';
  }
}

function decideBatch(
  { snapshotEvery }: BatchOptions,
  read: BatchRead,
  units: readonly BatchUnit[],
): DecidedBatch {
  const state = new WorkingState(read.now, read.levels, read.answers, snapshotEvery);
  try {
    return { state, outcomes: units.map((unit) => decideUnit(state, unit)) };
  } catch (error) {
    throw new DecisionFault(error);
  }
}

async function commit(
  client: PoolClient,
  options: BatchOptions,
  { state, outcomes }: DecidedBatch,
  attempt: Attempt,
): Promise<void> {
  try {
    passFailpoint('before_commit');
    const askedAt = performance.now();
    const written = commitBatch(client, state, options.idempotencyTtlSeconds);
    // Pipelined behind it: a failed function turns this commit into a rollback.
    const committed = attempt.lock ? client.query('commit') : undefined;
    attempt.turn?.end();
    const results = await Promise.allSettled([written, committed]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    attempt.levels.clock.hear(await written, askedAt);
    passFailpoint('after_commit');
  } catch (error) {
    if (classifyFailure(error, true) === 'server') throw error;
    const entries = state.entries.filter(({ first }) => first);
    const lost = { entries, recordedAt: state.now, outcomes };
    throw new LostInCommit(error, entries.length === 0 ? undefined : lost);
  }
  options.onCommitted?.();
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw new DatabaseUnavailable(error);
  }
}

export function decideUnit(
  state: WorkingState,
  unit: Pick<BatchUnit, 'commands' | 'atomic'>,
): Outcome[] {
  return unit.atomic
    ? state.runAllOrNone(unit.commands)
    : unit.commands.map((command) => state.run(command));
}

import { DatabaseUnavailable, sqlStateOf } from '../errors.ts';

/** What the process says to scripts; `onhand --help` explains them. */
export const exitCode = {
  ok: 0,
  /** It ran, and found violations or rows that failed. */
  found: 1,
  /** Arguments or settings that cannot be used. */
  usage: 2,
  databaseUnavailable: 3,
  /** A fault of onhand itself. */
  fault: 70,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** Codes of Node and SQLSTATEs for a server that is away, full, or does not let us in. */
const awayCode = /^(?:E[A-Z]{4,}|08...|57P0.|53300|3D000|28...)$/;
/** The driver has no code for these. */
const awayMessage = /^(?:Connection terminated|timeout e)/;

/** Whether an error, or what caused it, is that the database cannot be reached. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true;
  if (!(error instanceof Error)) return false;
  if (awayCode.test(sqlStateOf(error) ?? '') || awayMessage.test(error.message)) return true;
  if (error instanceof AggregateError && error.errors.some(isDatabaseAway)) return true;
  return isDatabaseAway(error.cause);
}

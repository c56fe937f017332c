import { isUnavailable } from '../db/index.ts';
import { DatabaseUnavailable, refuse, sqlStateOf, type Refusal } from '../errors.ts';

const away = refuse('DATABASE.UNAVAILABLE', 'The database cannot be reached; try again.');
const fault = refuse('INTERNAL.FAULT', 'The request could not be handled; it was written down.');

/** The driver's errors for a connection that broke carry no code: they tell by where they arose. */
const driverFrame = /^\s+at .*node_modules[\\/]pg(?:-pool)?[\\/]/;

/** Whether an error says that the database is away, and not that something is wrong here. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true;
  if (!(error instanceof Error)) return false;
  const code = sqlStateOf(error);
  if (code !== undefined) return /^(?:[0-9A-Z]{5}|E[A-Z]+)$/.test(code) && isUnavailable(error);
  const [, frame = ''] = /\n(\s+at .*)/.exec(error.stack ?? '') ?? [];
  return error.constructor === Error && driverFrame.test(frame);
}

/** What a caller is told about an exception: nothing from inside. */
export function refusalOfFault(error: unknown): Refusal {
  return isDatabaseAway(error) ? away : fault;
}

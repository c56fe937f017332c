import { sqlStateOf } from '../errors.ts';

/** Socket errors of Node and the driver's own words for a connection that is no more. */
const socketCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
]);

/**
 * What a failed statement means for what it should have done.
 *
 * - `refused-connection`: never reached the server, nothing was done
 * - `lost`: the connection broke while it ran; it may have been committed
 * - `server`: the server answered with an error; its transaction is rolled back
 */
export type Failure = 'refused-connection' | 'lost' | 'server';

/** @param sent whether the statement was handed to a live connection before it failed */
export function classifyFailure(error: unknown, sent: boolean): Failure {
  const state = sqlStateOf(error);
  // 57P01-57P03: the server ends the session or is starting up; class 08: connection exception;
  // 53300: too many connections.
  const ending = state !== undefined && (state.startsWith('57P0') || state.startsWith('08'));
  if (state !== undefined && /^[0-9A-Z]{5}$/.test(state) && !socketCodes.has(state) && !ending) {
    return state === '53300' ? 'refused-connection' : 'server';
  }
  return sent ? 'lost' : 'refused-connection';
}

/** Class 53: no disk, memory or connection is left; 58: the system below the server fails. */
const exhausted = /^(?:53|58)[0-9A-Z]{3}$/;

/**
 * Whether a failure means that the database is away, or cannot work as things stand, rather than
 * that a statement is wrong: the same may succeed later.
 */
export function isUnavailable(error: unknown): boolean {
  return exhausted.test(sqlStateOf(error) ?? '') || classifyFailure(error, true) !== 'server';
}

import { randomBytes } from 'node:crypto';

const sane = /^[A-Za-z0-9._:-]{1,128}$/;

// Unique among processes by the prefix, within the process by the counter: no chance is drawn for
// each request.
const prefix = `req_${randomBytes(9).toString('hex')}`;
let counter = 0;

/** The caller's request id when it is a sane one, else a new one. */
export function requestIdOf(given: string | string[] | undefined): string {
  if (typeof given === 'string' && sane.test(given)) return given;
  counter += 1;
  return `${prefix}-${counter.toString(36)}`;
}

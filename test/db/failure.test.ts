import { expect, test } from 'vitest';
import { classifyFailure, isUnavailable, type Failure } from '../../src/db/index.ts';

const failures: readonly [string, string, Failure, unavailable: boolean][] = [
  ['ECONNREFUSED', 'nobody listens', 'lost', true],
  ['ECONNRESET', 'the connection broke', 'lost', true],
  ['57P01', 'the session was ended', 'lost', true],
  ['57P03', 'the server starts up', 'lost', true],
  ['08006', 'the connection failed', 'lost', true],
  ['53300', 'no connection is left', 'refused-connection', true],
  ['53100', 'the disk is full', 'server', true],
  ['53200', 'no memory is left', 'server', true],
  ['58030', 'the disk cannot be read', 'server', true],
  ['23505', 'a key is there already', 'server', false],
  ['40001', 'somebody was faster', 'server', false],
  ['55P03', 'a lock was not to be had', 'server', false],
  ['22P02', 'a value is none', 'server', false],
];

test.each(failures)('%s, %s: %s, unavailable: %s', (code, _, failure, unavailable) => {
  const error = Object.assign(new Error('a statement failed'), { code });
  expect(classifyFailure(error, true)).toBe(failure);
  expect(isUnavailable(error)).toBe(unavailable);
});

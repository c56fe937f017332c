import { expect, test } from 'vitest';
import { hidePassword } from '../../src/cli/hide-password.ts';

test.each([
  ['postgres://db.example/onhand', 'postgres://db.example/onhand'],
  ['postgres://onhand@db.example:5432/onhand', 'postgres://onhand@db.example:5432/onhand'],
  ['postgres://onhand:secret@db.example/onhand', 'postgres://onhand:***@db.example/onhand'],
  ['postgres://onhand:se@cret:x@[::1]:5432/onhand', 'postgres://onhand:***@[::1]:5432/onhand'],
  ['postgres://:secret@db.example/a?user=b@c', 'postgres://:***@db.example/a?user=b@c'],
  ['postgresql://a@h/b?password=secret', 'postgresql://a@h/b?password=***'],
  [
    'postgresql://h/b?ssl=1&password=se%26cret&user=a',
    'postgresql://h/b?ssl=1&password=***&user=a',
  ],
  ['postgresql://a:secret@/b?host=h&port=1', 'postgresql://a:***@/b?host=h&port=1'],
  ['postgres://a:secret@h:port/b', 'postgres://a:***@h:port/b'],
])('of %s the password is not shown', (given, shown) => {
  expect(hidePassword(given)).toBe(shown);
});

import { randomBytes } from 'node:crypto';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A new id: `prefix_` and 26 characters, 10 of time and 16 of chance (as ULID), so that ids made
 * one after the other lie together in an index.
 */
export function newId(prefix: string): string {
  let time = Date.now();
  let id = '';
  for (let i = 0; i < 10; i += 1) {
    id = alphabet.charAt(time % 32) + id;
    time = Math.floor(time / 32);
  }
  for (const byte of randomBytes(16)) id += alphabet.charAt(byte & 31);
  return `${prefix}_${id}`;
}

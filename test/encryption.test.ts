import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { equalInConstantTime, hashKey, openSecretBox } from '../src/encryption.ts';
import { UsageError } from '../src/errors.ts';

const folders: string[] = [];
const context = JSON.stringify(['default', 'shop-1']);

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function dataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onhand-encryption-'));
  folders.push(folder);
  return join(folder, 'data');
}

function boxWith(encryptionKey: string) {
  return openSecretBox({ encryptionKey, dataDir: '/nowhere' });
}

const ours = boxWith('0f'.repeat(32));

test.each(['', 'whsec_abc', 'ключ 🔑', 'x'.repeat(100_000)])(
  'what was sealed opens to the same text (%#)',
  (plaintext) => {
    expect(ours.open(ours.seal(plaintext, context), context)).toBe(plaintext);
  },
);

test('the same secret sealed twice does not look the same, and does not show', () => {
  const [first, second] = [ours.seal('hush', context), ours.seal('hush', context)];
  expect(first.equals(second)).toBe(false);
  expect(first.subarray(1, 13).equals(second.subarray(1, 13))).toBe(false);
  expect(first.includes('hush')).toBe(false);
  expect(first[0]).toBe(1);
});

test('a change of any byte is noticed, and so is a missing or an added one', () => {
  const sealed = ours.seal('hush', context);
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    expect(() => ours.open(changed, context), `byte ${at}`).toThrow(/sealed/);
    expect(() => ours.open(sealed.subarray(0, at), context), `cut at ${at}`).toThrow(/sealed/);
  }
  expect(() => ours.open(Buffer.concat([sealed, Buffer.of(0)]), context)).toThrow(/sealed/);
});

test('a secret opens for the context it was sealed for and no other', () => {
  const sealed = ours.seal('hush', context);
  expect(() => ours.open(sealed, JSON.stringify(['other', 'shop-1']))).toThrow(/another context/);
  expect(() => ours.open(sealed, '')).toThrow(/another context/);
});

test('a secret does not open with another key', () => {
  const other = boxWith('1f'.repeat(32));
  expect(() => other.open(ours.seal('hush', context), context)).toThrow(/another key/);
});

test('hexadecimal, base64 and base64url of the same bytes are the same key', () => {
  const key = Buffer.from(`${'fb'.repeat(31)}ff`, 'hex');
  const sealed = boxWith(key.toString('hex')).seal('hush', context);
  const forms = [key.toString('hex').toUpperCase(), key.toString('base64')];
  for (const form of [...forms, key.toString('base64url'), `${key.toString('base64')}\n`]) {
    expect(boxWith(form).open(sealed, context)).toBe('hush');
  }
});

test.each(['', 'secret', '0f'.repeat(31), '0g'.repeat(32), randomBytes(31).toString('base64')])(
  'a key that is not 32 bytes is refused with what is allowed (%#)',
  (key) => {
    expect(() => boxWith(key)).toThrow(UsageError);
    expect(() => boxWith(key)).toThrow(/^ENCRYPTION_KEY: .* allowed: 32 bytes as 64 hexadecimal/);
  },
);

test('the complaint about a key does not show it', () => {
  expect(() => boxWith('hush-hush')).toThrow(/found 9 characters that are no key/);
  expect(() => boxWith('hush-hush')).not.toThrow(/hush/);
});

test('without a key the first start makes one that only its owner can read, and keeps it', () => {
  const folder = dataDir();
  const sealed = openSecretBox({ dataDir: folder }).seal('hush', context);
  const path = join(folder, 'encryption.key');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  expect(openSecretBox({ dataDir: folder }).open(sealed, context)).toBe('hush');
  expect(readdirSync(folder)).toEqual(['encryption.key']);
});

test('a key file without a key stops the start and is left as it is', () => {
  const folder = dataDir();
  openSecretBox({ dataDir: folder });
  const path = join(folder, 'encryption.key');
  writeFileSync(path, '');
  expect(() => openSecretBox({ dataDir: folder })).toThrow(/encryption\.key: found 0 characters/);
  expect(readFileSync(path, 'utf8')).toBe('');
});

test('processes that start together agree on one key', async () => {
  const folder = dataDir();
  const module = new URL('../src/encryption.ts', import.meta.url).href;
  const script = `
    import { openSecretBox } from ${JSON.stringify(module)};
    // All wait for the same moment, so that they race for the file and not for the processor.
    while (Date.now() < Number(process.argv[2]));
    const box = openSecretBox({ dataDir: process.argv[1] });
    process.stdout.write(box.seal('hush', 'race').toString('base64'));`;
  const startAt = String(Date.now() + 1500);
  const run = promisify(execFile);
  const started = Array.from({ length: 6 }, () =>
    run(process.execPath, ['--input-type=module', '--eval', script, folder, startAt]),
  );
  const outputs = await Promise.all(started);
  const box = openSecretBox({ dataDir: folder });
  const opened = outputs.map(({ stdout }) => box.open(Buffer.from(stdout, 'base64'), 'race'));
  expect(opened).toEqual(Array.from({ length: 6 }, () => 'hush'));
  expect(readdirSync(folder)).toEqual(['encryption.key']);
});

test('an API key is hashed with SHA-256', () => {
  const known = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(hashKey('abc').toString('hex')).toBe(known);
});

test('equality looks at every byte, and at the length', () => {
  expect(equalInConstantTime(hashKey('a'), hashKey('a'))).toBe(true);
  expect(equalInConstantTime(hashKey('a'), hashKey('b'))).toBe(false);
  expect(equalInConstantTime(Buffer.from('ab'), Buffer.from('abc'))).toBe(false);
  expect(equalInConstantTime(Buffer.alloc(0), Buffer.alloc(0))).toBe(true);
});

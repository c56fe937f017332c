import {
  createCipheriv,
  createDecipheriv,
  createHash,
  randomBytes,
  randomUUID,
  timingSafeEqual,
} from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from './errors.ts';

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
/** First byte of what was sealed: names the layout, so that another can come later. */
const layout = 1;

/** Seals secrets (a channel's credentials) for storage, each bound to what it belongs to. */
export type SecretBox = {
  /**
   * @param context whose secret it is, such as `JSON.stringify([merchantId, channelId])`; it is
   *   not stored, and needed again to open
   * @returns layout byte, nonce, tag and ciphertext
   */
  seal(plaintext: string, context: string): Buffer;
  /** Throws when the bytes were changed, or sealed with another key or for another context. */
  open(sealed: Buffer, context: string): string;
};

/**
 * The secret box of this installation (AES-256-GCM), with the key given or else the one in
 * `dataDir/encryption.key`, which the first start makes. Processes that start together agree.
 * @param options.encryptionKey 32 bytes as 64 hexadecimal digits or as base64
 */
export function openSecretBox(options: { encryptionKey?: string; dataDir: string }): SecretBox {
  const key =
    options.encryptionKey === undefined
      ? keyOfDataDir(options.dataDir)
      : keyOfText(options.encryptionKey, 'ENCRYPTION_KEY');
  return {
    seal: (plaintext, context) => seal(key, plaintext, context),
    open: (sealed, context) => open(key, sealed, context),
  };
}

/** The 32 bytes that a text in hexadecimal or base64 (either alphabet) stands for, if it does. */
export function parseEncryptionKey(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  // 32 bytes are 43 characters of base64 and one of padding.
  if (!/^(?:[\w-]{43}|[A-Za-z0-9+/]{43})=?$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.length === keyBytes ? key : undefined;
}

/** SHA-256 of an API key: keys are random and long, so that a slow hash would add nothing. */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key, 'utf8').digest();
}

/** Whether two byte strings are the same, in a time that does not tell where they differ. */
export function equalInConstantTime(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function seal(key: Buffer, plaintext: string, context: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(boundTo(context));
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.of(layout), nonce, cipher.getAuthTag(), ciphertext]);
}

function open(key: Buffer, sealed: Buffer, context: string): string {
  const head = 1 + nonceBytes + tagBytes;
  if (sealed.length < head || sealed[0] !== layout) throw new Error('not a sealed secret');
  const nonce = sealed.subarray(1, 1 + nonceBytes);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(boundTo(context));
  decipher.setAuthTag(sealed.subarray(1 + nonceBytes, head));
  try {
    return decipher.update(sealed.subarray(head), undefined, 'utf8') + decipher.final('utf8');
  } catch (cause) {
    throw new Error('the secret was changed, or sealed with another key or for another context', {
      cause,
    });
  }
}

function boundTo(context: string): Buffer {
  return Buffer.concat([Buffer.of(layout), Buffer.from(context, 'utf8')]);
}

function keyOfDataDir(dataDir: string): Buffer {
  const path = join(dataDir, 'encryption.key');
  return keyOfText(readIfThere(path) ?? makeKeyFile(dataDir, path), path);
}

/**
 * Writes a new key beside the place and links it there: the link appears with its whole content or
 * not at all, and only the first of several processes gets it. All of them then read what is there.
 */
function makeKeyFile(dataDir: string, path: string): string {
  // Not closed to others: the embedded Postgres may run as another user and keeps its data here.
  mkdirSync(dataDir, { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  try {
    const key = randomBytes(keyBytes).toString('hex');
    writeFileSync(draft, `${key}\n`, { mode: 0o600, flag: 'wx', flush: true });
    linkSync(draft, path);
  } catch (error) {
    if (!isFileError(error, 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(path, 'utf8');
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isFileError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function keyOfText(text: string, origin: string): Buffer {
  const key = parseEncryptionKey(text.trim());
  if (key !== undefined) return key;
  throw new UsageError(
    `${origin}: found ${text.trim().length} characters that are no key; ` +
      'allowed: 32 bytes as 64 hexadecimal digits or as base64 (make one: openssl rand -hex 32)',
  );
}

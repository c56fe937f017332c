import * as fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import {
  newWebhookSecret,
  signWebhook,
  verifyWebhook,
  type SignedWebhook,
} from '../../src/channels/webhook/signature.ts';
import { UsageError } from '../../src/errors.ts';

const secret = newWebhookSecret();
const body = '{"type":"stock.level.changed","data":{"sku":"Ü-1"}}';
const now = new Date();
const seconds = Math.floor(now.getTime() / 1000);

function signed(changes: Partial<SignedWebhook> = {}, at = seconds): SignedWebhook {
  const signature = signWebhook(secret, 'msg_1', at, body);
  return { id: 'msg_1', timestamp: String(at), signature, body, ...changes };
}

function codeOf(message: SignedWebhook): string | undefined {
  return verifyWebhook(secret, message, now)?.code;
}

test('what we sign, the reference implementation accepts', () => {
  fc.assert(
    fc.property(fc.json(), fc.uuid(), (json, id) => {
      const headers = {
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': signWebhook(secret, id, seconds, json),
      };
      expect(new Webhook(secret).verify(json, headers)).toEqual(JSON.parse(json));
    }),
  );
});

test('what the reference implementation signs, we accept, and sign alike', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.uuid(), (text, id) => {
      const signature = new Webhook(secret).sign(id, new Date(seconds * 1000), text);
      expect(signWebhook(secret, id, seconds, text)).toBe(signature);
      expect(codeOf({ id, timestamp: String(seconds), signature, body: text })).toBeUndefined();
    }),
  );
});

test('the bytes of a body are signed as the text they are', () => {
  const bytes = Buffer.from(body, 'utf8');
  expect(codeOf(signed({ body: bytes }))).toBeUndefined();
  expect(signWebhook(secret, 'a', 1, bytes)).toBe(signWebhook(secret, 'a', 1, body));
});

test('one fitting signature among several is enough', () => {
  const old = signWebhook(newWebhookSecret(), 'msg_1', seconds, body);
  const ours = signWebhook(secret, 'msg_1', seconds, body);
  expect(codeOf(signed({ signature: `${old} v1a,xyz ${ours}` }))).toBeUndefined();
  expect(codeOf(signed({ signature: `${ours} ${old}` }))).toBeUndefined();
  expect(codeOf(signed({ signature: `${old} ${old}` }))).toBe('WEBHOOK.SIGNATURE_INVALID');
});

const good = signWebhook(secret, 'msg_1', seconds, body);
test.each<[string, Partial<SignedWebhook>, string]>([
  ['no id', { id: undefined }, 'WEBHOOK.HEADER_MISSING'],
  ['an empty id', { id: '' }, 'WEBHOOK.HEADER_MISSING'],
  ['no timestamp', { timestamp: undefined }, 'WEBHOOK.HEADER_MISSING'],
  ['no signature', { signature: undefined }, 'WEBHOOK.HEADER_MISSING'],
  ['a date for a timestamp', { timestamp: now.toISOString() }, 'WEBHOOK.TIMESTAMP_REFUSED'],
  ['a negative timestamp', { timestamp: '-5' }, 'WEBHOOK.TIMESTAMP_REFUSED'],
  ['another timestamp', { timestamp: String(seconds - 1) }, 'WEBHOOK.SIGNATURE_INVALID'],
  ['another id', { id: 'msg_2' }, 'WEBHOOK.SIGNATURE_INVALID'],
  ['another body', { body: `${body} ` }, 'WEBHOOK.SIGNATURE_INVALID'],
  ['a signature cut short', { signature: good.slice(0, -8) }, 'WEBHOOK.SIGNATURE_INVALID'],
  ['a signature without a version', { signature: good.slice(3) }, 'WEBHOOK.SIGNATURE_INVALID'],
  ['another version', { signature: `v2,${good.slice(3)}` }, 'WEBHOOK.SIGNATURE_INVALID'],
  ['only a version', { signature: 'v1,' }, 'WEBHOOK.SIGNATURE_INVALID'],
])('a message with %s is refused', (_, changes, code) => {
  expect(codeOf(signed())).toBeUndefined();
  expect(codeOf(signed(changes))).toBe(code);
});

test.each([
  [300, undefined],
  [301, 'WEBHOOK.TIMESTAMP_REFUSED'],
  [-300, undefined],
  [-301, 'WEBHOOK.TIMESTAMP_REFUSED'],
])('a message signed %i seconds ago: %s', (age, code) => {
  expect(codeOf(signed({}, seconds - age))).toBe(code);
});

test('a secret is whsec_ and 32 random bytes in base64', () => {
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(newWebhookSecret()).not.toBe(secret);
});

test.each(['', 'whsec_', 'whsec_a', 'whsec_a*bc', 'whsec_abcd====', secret.slice(6)])(
  'the secret %j is refused instead of being taken for another one',
  (broken) => {
    expect(() => signWebhook(broken, 'a', 1, '')).toThrow(UsageError);
  },
);

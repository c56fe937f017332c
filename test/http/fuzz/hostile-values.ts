import fc from 'fast-check';

const cursors = [
  '"a"',
  '{"sku":"a","storeId":"b"}',
  '{"storeId":"a","sku":"\\u0000"}',
  '99999999999999999999',
  '9007199254740991',
  '-1',
  '"\\u0000"',
  '"\\ud800"',
  'null',
].map((json) => Buffer.from(json, 'utf8').toString('base64url'));

const texts = [
  '',
  ' ',
  '.',
  '..',
  'a/b',
  '%',
  '%25',
  '\u0000',
  '\u001f',
  '\u2028',
  '\u202e',
  '\ufeff',
  '\ud800',
  '😀',
  'e\u0301',
  '"',
  '\\',
  '\n',
  "'; drop table stock_level; --",
  '${7*7}',
  '{}',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'true',
  'NaN',
  '1',
  '-1',
  '1e3',
  '0x10',
  '9'.repeat(30),
  'x'.repeat(128),
  'x'.repeat(129),
  'x'.repeat(256),
  '😀'.repeat(128),
  '2026-01-01T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999999+14:00',
  '2026-02-30T00:00:00Z',
  'ent_1',
  'ent_999999999999999999999',
  'default',
  ...cursors,
];

/** What Postgres cannot store, and what it stores but nobody should. */
const unstorable = ['\u0000', 'a\u0000b', '\ud800', 'a\udc00b', 'a\u001fb', 'a\nb'];

/** Texts that have broken such services before, and any others. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...unstorable) },
  { weight: 3, arbitrary: fc.constantFrom(...texts) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);

export const hostileNumber: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, -1, 0.5, 2_147_483_647, 2_147_483_648, -2_147_483_648, 2 ** 53, 1e308),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  hostileNumber,
  fc.constantFrom(null, true, false),
  fc.constantFrom([], {}),
);

/** Any JSON, with the texts above in it. */
export const hostileJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(hostileText, tie('value'), { maxKeys: 4 }),
  ),
})).value;

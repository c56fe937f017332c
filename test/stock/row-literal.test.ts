import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rowArray, textField, timeField } from '../../src/stock/row-literal.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client(database.connectionString);
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

type Row = { reference: string | null; actor: string | null; occurredAt: Date | null };

const awkward = [
  '',
  ' ',
  'NULL',
  'null',
  'a,b',
  '(a)',
  '{a}',
  '"',
  '""',
  '\\',
  '\\"',
  "'",
  ' a ',
  '\u00a0',
  '\u{1f4e6}',
];
const text = fc.oneof(
  fc.constantFrom(...awkward),
  // Postgres has no texts with the character 0.
  fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\u0000', '')),
  fc
    .array(fc.constantFrom('"', '\\', ',', '(', ')', ' ', 'x'), { maxLength: 8 })
    .map((parts) => parts.join('')),
);
const row = fc.record<Row>({
  reference: fc.option(text),
  actor: fc.option(text),
  occurredAt: fc.option(
    fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
  ),
});

test('rows come to Postgres as they are, whatever their texts hold', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 5 }), async (rows) => {
      const literal = rowArray(
        rows.map(
          ({ reference, actor, occurredAt }) =>
            `m,s,l,7,on_hand,-1,2,00000000-0000-4000-8000-000000000000,,${textField(reference)},` +
            `${textField(actor)},,${timeField(occurredAt)},true`,
        ),
      );
      const found = await client.query<Row>(
        `select reference, actor, occurred_at as "occurredAt" from unnest($1::entry_write[])`,
        [literal],
      );
      expect(found.rows).toEqual(rows);
    }),
    { numRuns: 300 },
  );
});

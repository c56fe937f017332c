import { expect, test } from 'vitest';
import { bufferSchema, shownQuantity, type Buffer } from '../../src/channels/index.ts';
import { openInspector } from '../support/stock.ts';
import { createTestDatabase } from '../support/database.ts';

type Example = [available: number, buffer: Buffer | null, shown: number];

const examples: Example[] = [
  [38, null, 38],
  [38, {}, 38],
  [-3, null, 0],
  [0, { units: 0 }, 0],
  // units
  [10, { units: 3 }, 7],
  [3, { units: 3 }, 0],
  [2, { units: 3 }, 0],
  // percent is kept back at least
  [100, { percent: 10 }, 90],
  [15, { percent: 10 }, 13],
  [1, { percent: 10 }, 0],
  [10, { percent: 100 }, 0],
  [100, { percent: 29 }, 71],
  [1_000, { percent: 0.1 }, 999],
  // of both the larger
  [100, { units: 5, percent: 10 }, 90],
  [100, { units: 15, percent: 10 }, 85],
  // share, rounded down, before the buffer
  [100, { share: 0.5 }, 50],
  [9, { share: 0.5 }, 4],
  [100, { share: 0.29 }, 29],
  [10, { share: 0.5, units: 2 }, 3],
  [30, { share: 0.5, percent: 10 }, 13],
  // at most
  [100, { max: 20 }, 20],
  [10, { max: 20 }, 10],
  [100, { max: 0 }, 0],
  [25, { max: 20, units: 10 }, 15],
  [2_147_483_647, { share: 1, percent: 50 }, 1_073_741_823],
];

test.each(examples)('of %i with %j a channel is shown %i', (available, buffer, shown) => {
  const rules = { buffer, isPaused: false, isLagging: false };
  expect(shownQuantity(available, rules)).toBe(shown);
  expect(shownQuantity(available, { ...rules, isPaused: true })).toBe(0);
});

test.each<[boolean, Buffer, number]>([
  [false, { units: 2, widenWhileLaggingUnits: 3 }, 8],
  [true, { units: 2, widenWhileLaggingUnits: 3 }, 5],
  [true, { widenWhileLaggingUnits: 20 }, 0],
  [true, { units: 2 }, 8],
])('while it lags (%s), %j shows of ten %i', (isLagging, buffer, shown) => {
  expect(shownQuantity(10, { buffer, isPaused: false, isLagging })).toBe(shown);
});

test('the database computes what is shown in the same way', async () => {
  const database = await createTestDatabase();
  const pool = await openInspector(database.connectionString);
  try {
    const { rows } = await pool.query<{ shown: string }>(
      `select shown_quantity(u.available, u.buffer, false) as shown
       from unnest($1::bigint[], $2::jsonb[]) with ordinality as u(available, buffer, position)
       order by position`,
      [
        examples.map(([available]) => available),
        examples.map(([, buffer]) => (buffer === null ? null : JSON.stringify(buffer))),
      ],
    );
    expect(rows.map(({ shown }) => Number(shown))).toEqual(examples.map(([, , shown]) => shown));
  } finally {
    await pool.end();
    await database.drop();
  }
});

test.each<[unknown, boolean]>([
  [{ units: 1, percent: 2.5, max: 3, share: 1, widenWhileLaggingUnits: 4 }, true],
  [{ units: -1 }, false],
  [{ units: 1.5 }, false],
  [{ percent: 101 }, false],
  [{ share: 0 }, false],
  [{ share: 1.1 }, false],
  [{ kept: 1 }, false],
])('whether %j is a buffer: %s', (buffer, isOne) => {
  expect(bufferSchema.safeParse(buffer).success).toBe(isOne);
});

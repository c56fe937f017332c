import { types } from 'pg';
import { expect, test } from 'vitest';
import { parseTimestamp } from '../../src/db/timestamp.ts';

const byDriver = types.getTypeParser(types.builtins.TIMESTAMPTZ, 'text');

const days = ['2026-11-22', '2024-02-29', '1999-12-31', '1969-12-31', '0044-03-15', '9999-12-31'];
const times = ['00:00:00', '09:12:33', '23:59:59'];
const fractions = ['', '.1', '.05', '.123', '.999', '.001', '.1234', '.999999', '.000001'];
const zones = ['+00', '+02', '-03:30', '+00 BC', '+05:53:28'];

const texts = days.flatMap((day) =>
  times.flatMap((time) =>
    fractions.flatMap((fraction) => zones.map((zone) => `${day} ${time}${fraction}${zone}`)),
  ),
);

test('a timestamp is what the driver takes it for, in every form', () => {
  const more = ['infinity', '-infinity', '12026-11-22 09:12:33+00', '12026-11-22 09:12:33.5+00'];
  for (const text of [...texts, ...more]) {
    expect({ text, value: parseTimestamp(text) }).toEqual({ text, value: byDriver(text) });
  }
});

test('each millisecond is read exactly', () => {
  for (let ms = 0; ms < 1_000; ms += 1) {
    const time = new Date(Date.UTC(2026, 10, 22, 9, 12, 33, ms));
    const text = `2026-11-22 09:12:33.${String(ms).padStart(3, '0')}999+00`;
    expect(parseTimestamp(text)).toEqual(time);
  }
});

import { expect, test } from 'vitest';
import { Circuit } from '../../src/jobs/circuit.ts';
import { TokenBucket } from '../../src/jobs/token-bucket.ts';

test('after one failure another call goes out at once, after two it waits', () => {
  const circuit = new Circuit({ threshold: 0.5, cooldownMs: 10_000 });
  expect(circuit.state(0)).toBe('closed');
  circuit.failed(0, 500);
  expect([circuit.state(0), circuit.waitMs(0)]).toEqual(['half-open', 0]);
  circuit.failed(10, 500);
  expect([circuit.state(10), circuit.waitMs(10)]).toEqual(['open', 500]);
  expect([circuit.state(510), circuit.waitMs(510)]).toEqual(['half-open', 0]);
  circuit.succeeded();
  expect(circuit.state(511)).toBe('closed');
});

test('tokens come back at their rate, and never more than a tenth of a second holds', () => {
  const bucket = new TokenBucket(100, 0);
  expect(bucket.take(0)).toBe(0);
  expect(bucket.take(0)).toBe(10);
  expect(bucket.take(0)).toBe(20);
  expect(bucket.take(1_000)).toBe(0);
  const waits = Array.from({ length: 11 }, () => bucket.take(1_000));
  expect(waits.filter((wait) => wait === 0)).toHaveLength(9);
});

test('a rate below one call a second holds one call', () => {
  const bucket = new TokenBucket(0.5, 0);
  expect([bucket.take(0), bucket.take(0), bucket.take(10_000)]).toEqual([0, 2_000, 0]);
});

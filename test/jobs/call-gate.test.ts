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

test('a circuit opens when more than its share of calls fails, for the cooldown', () => {
  const circuit = new Circuit({ threshold: 0.5, cooldownMs: 10_000 });
  // Every other call fails, and a little more: never two in a row until the end.
  for (let call = 0; call < 8; call += 1) {
    if (call % 2 === 0) circuit.failed(call, 20);
    else circuit.succeeded();
  }
  expect(circuit.state(8)).toBe('closed');
  circuit.failed(8, 20);
  expect(circuit.waitMs(8)).toBe(0);
  circuit.failed(9, 20);
  expect([circuit.state(9), circuit.waitMs(9)]).toEqual(['open', 10_000]);
  expect(circuit.state(10_009)).toBe('half-open');
  // The probe fails: open for another cooldown. Then one succeeds, and all is forgotten.
  circuit.failed(10_009, 20);
  expect(circuit.waitMs(10_009)).toBe(10_000);
  circuit.succeeded();
  expect(circuit.state(20_009)).toBe('closed');
  circuit.failed(20_010, 20);
  circuit.failed(20_011, 20);
  expect(circuit.waitMs(20_011)).toBe(20);
});

test('a circuit that is reset begins anew', () => {
  const circuit = new Circuit({ threshold: 1, cooldownMs: 10_000 });
  for (let call = 0; call < 12; call += 1) circuit.failed(0, 20);
  expect(circuit.waitMs(0)).toBe(10_000);
  circuit.reset();
  circuit.failed(0, 20);
  expect(circuit.waitMs(0)).toBe(0);
});

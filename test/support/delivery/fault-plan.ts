import type { Answer } from '../../jobs/channel-server.ts';
import { randomFrom } from '../history/index.ts';

export type FaultPlan = {
  /** What the channel does with its next message. */
  next(): Answer;
  /** From now on nothing goes wrong. */
  heal(): void;
  /** How often each fault was injected. */
  readonly injected: Readonly<Record<string, number>>;
};

type Kind = readonly [weight: number, name: string, make: () => Answer];

/** Everything that can go wrong with a channel, by chance that follows from the seed. */
export function planFaults(seed: number): FaultPlan {
  const random = randomFrom(seed);
  const taken = { status: 204 };
  const kinds: readonly Kind[] = [
    [40, 'none', () => taken],
    [10, 'latency', () => ({ status: 200, latencyMs: random.integer(1, 150) })],
    [6, '5xx', () => ({ status: random.pick([500, 502, 504]) })],
    [2, '503', () => ({ status: 503, headers: { 'retry-after': '0' } })],
    [3, '429', () => ({ status: 429, headers: { 'retry-after': random.pick(['0', '1']) } })],
    [7, 'reset before the work', () => 'reset'],
    [9, 'answer lost after the work', () => 'lost-answer'],
    [6, 'doubled', () => ({ status: 200, isDoubled: true })],
    [6, 'overtaken', () => ({ status: 200, isOvertaken: true })],
    [5, 'slow body', () => ({ status: 200, slowBodyMs: random.integer(20, 200) })],
    [1, 'no answer', () => 'hang'],
    [2, 'no HTTP', () => 'garbage'],
    // Taken when the caller has given up.
    [2, 'too late', () => ({ status: 200, latencyMs: 1_500 })],
  ];
  const total = kinds.reduce((sum, [weight]) => sum + weight, 0);
  const injected: Record<string, number> = {};
  let isHealed = false;
  return {
    injected,
    heal() {
      isHealed = true;
    },
    next() {
      if (isHealed) return taken;
      let left = random.next() * total;
      const [, name, make] = kinds.find(([weight]) => (left -= weight) < 0) ?? [
        0,
        'none',
        () => taken,
      ];
      if (name !== 'none') injected[name] = (injected[name] ?? 0) + 1;
      return make();
    },
  };
}

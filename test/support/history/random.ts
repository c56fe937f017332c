/** Numbers that follow from a seed: the same load can be made again. */
export type Random = {
  /** 0 ≤ x < 1 */
  next(): number;
  /** min … max, both included. */
  integer(min: number, max: number): number;
  chance(share: number): boolean;
  pick<T>(values: readonly [T, ...T[]]): T;
};

/** Mulberry32: small, quick, and good enough to choose requests with. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    integer,
    chance: (share) => next() < share,
    pick: (values) => values[integer(0, values.length - 1)] ?? values[0],
  };
}

/** The seed named by an environment variable, else one of the clock. */
export function seedFrom(variable: string): number {
  return Number(process.env[variable] ?? Date.now() % 2 ** 31);
}

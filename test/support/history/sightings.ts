import type { Violation } from './operation.ts';

/** A version of a level that an operation made or was shown, between its start and its end. */
export type Sighting = {
  readonly version: number;
  readonly startMs: number;
  /** Infinite: nobody knows when it ended. */
  readonly endMs: number;
  readonly operation: string;
  readonly made: boolean;
};

/** Which versions a level can have been at while something was under way. */
export type Window = { readonly lowest: number; readonly highest: number };

export type Timeline = {
  readonly violations: readonly Violation[];
  windowOf(startMs: number, endMs: number): Window;
};

/**
 * Puts the versions of a level into real time. What ended before something began has the lower
 * version where that made one, and none that is higher where it only saw one.
 */
export function timelineOf(
  level: string,
  sightings: readonly Sighting[],
  newest: number,
): Timeline {
  const ends = sightings.toSorted((a, b) => a.endMs - b.endMs);
  const highestUntil: Sighting[] = [];
  for (const sighting of ends) {
    const before = highestUntil.at(-1);
    const isHigher = before === undefined || sighting.version > before.version;
    highestUntil.push(isHigher ? sighting : before);
  }
  /** The highest version of all that ended before a moment. */
  const highestBefore = (ms: number): Sighting | undefined =>
    highestUntil[firstFrom(ends, (sighting) => sighting.endMs >= ms) - 1];

  const violations = sightings.flatMap((sighting): Violation[] => {
    const earlier = highestBefore(sighting.startMs);
    if (earlier === undefined) return [];
    const { version, made, operation } = sighting;
    const isInOrder = made ? earlier.version < version : earlier.version <= version;
    if (isInOrder) return [];
    const verb = earlier.made ? 'made' : 'shown';
    const what = `${earlier.version} was ${verb} before ${version} began`;
    const kind = made ? 'real-time' : 'went-back';
    return [{ kind, level, operations: [earlier.operation, operation], what }];
  });

  const beginnings = beginningsOf(sightings, newest);
  return {
    violations,
    windowOf: (startMs, endMs) => ({
      lowest: highestBefore(startMs)?.version ?? 0,
      highest: firstFrom(beginnings, (beganMs) => beganMs >= endMs) - 1,
    }),
  };
}

/** By version, from 0: when the last of the operations that made it or an older one began. */
function beginningsOf(sightings: readonly Sighting[], newest: number): readonly number[] {
  const began = Array.from({ length: newest + 1 }, () => Number.NEGATIVE_INFINITY);
  for (const { version, startMs, made } of sightings) {
    if (made && version <= newest) began[version] = Math.max(began[version] ?? startMs, startMs);
  }
  let latest = Number.NEGATIVE_INFINITY;
  return began.map((ms) => (latest = Math.max(latest, ms)));
}

/** The index of the first that meets a condition, which all after it meet too; else the length. */
function firstFrom<T>(values: readonly T[], meets: (value: T) => boolean): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const value = values[middle];
    if (value !== undefined && meets(value)) high = middle;
    else low = middle + 1;
  }
  return low;
}

import fc from 'fast-check';
import { hostileJson, hostileNumber, hostileText } from './hostile-values.ts';

type Place = readonly (string | number)[];

type Blow = 'swap' | 'replace' | 'remove' | 'add' | 'wrap';

type Weapons = {
  readonly text: string;
  readonly number: number;
  readonly other: unknown;
};

/** Values that are as they should be but for one place. */
export function nearlyValid(valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .record({
      value: valid,
      at: fc.nat({ max: 1_000 }),
      blow: fc.constantFrom<Blow>('swap', 'swap', 'swap', 'replace', 'remove', 'add', 'wrap'),
      weapons: fc.record({ text: hostileText, number: hostileNumber, other: hostileJson }),
    })
    .map(({ value, at, blow, weapons }) => {
      // The whole is struck rarely: inside there is more to be hit.
      const [whole, ...inside] = placesIn(value);
      const place = inside[at % (inside.length + 1)] ?? whole ?? [];
      return changeAt(value, place, (inner) => strike(inner, blow, weapons));
    });
}

function strike(inner: unknown, blow: Blow, { text, number, other }: Weapons): unknown {
  if (blow === 'swap' && typeof inner === 'string') return text;
  if (blow === 'swap' && typeof inner === 'number') return number;
  if (blow === 'swap' || blow === 'replace') return other;
  if (blow === 'remove') return undefined;
  if (blow === 'wrap') return [inner];
  if (Array.isArray(inner)) return [...(inner as unknown[]), other];
  return isRecord(inner) ? { ...inner, [text]: other } : other;
}

/** Every place in a value, itself first. */
function placesIn(value: unknown): Place[] {
  if (Array.isArray(value)) {
    const items = value as unknown[];
    return [[], ...items.flatMap((item, index) => below(index, item))];
  }
  if (!isRecord(value)) return [[]];
  return [[], ...Object.entries(value).flatMap(([member, inner]) => below(member, inner))];
}

function below(step: string | number, value: unknown): Place[] {
  return placesIn(value).map((place) => [step, ...place]);
}

function changeAt(value: unknown, place: Place, change: (inner: unknown) => unknown): unknown {
  const [step, ...rest] = place;
  if (step === undefined) return change(value);
  if (Array.isArray(value)) {
    const items = value as unknown[];
    return items.map((item, index) => (index === step ? changeAt(item, rest, change) : item));
  }
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([member, inner]) => [
      member,
      member === step ? changeAt(inner, rest, change) : inner,
    ]),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

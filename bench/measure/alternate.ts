/** One measurement of one side. */
export type Measurement<T> = () => Promise<T>;

/**
 * Measures the sides in turn, A B A B A B: what the machine does meanwhile (a neighbour, a
 * checkpoint, heat) hits all sides alike and not the one that happened to come last.
 */
export async function alternate<Sides extends Readonly<Record<string, unknown>>>(
  rounds: number,
  sides: { readonly [Name in keyof Sides]: Measurement<Sides[Name]> },
): Promise<{ [Name in keyof Sides]: Sides[Name][] }> {
  const names = Object.keys(sides) as (keyof Sides)[];
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as {
    [Name in keyof Sides]: Sides[Name][];
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) results[name].push(await sides[name]());
  }
  return results;
}

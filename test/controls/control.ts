/** One text of one file, and what stands in its place when the control is applied. */
export type Change = {
  /** From the root of the project. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly before: string;
  readonly after: string;
};

/**
 * A promise that is broken on purpose, and the test that must notice. A control that stays green
 * says that nobody guards the promise.
 */
export type Control = {
  /** Names it in reports and for `--only`. */
  readonly id: string;
  /** What is promised, and broken by the changes. */
  readonly promise: string;
  readonly changes: readonly Change[];
  /** The file of the test, from the root of the project. */
  readonly test: string;
  /** The name of the test as it stands there, without those of the groups around it. */
  readonly name: string;
};

/** The text with the change made. Throws where what is changed does not occur exactly once. */
export function applyChange(text: string, { file, before, after }: Change): string {
  const [head, tail, ...more] = text.split(before);
  if (head === undefined || tail === undefined || more.length > 0) {
    const times = text.split(before).length - 1;
    throw new Error(`${file} has ${times} times what the control changes: ${before}`);
  }
  if (before === after) throw new Error(`${file} would stay as it is`);
  return head + after + tail;
}

/**
 * Full names of a test by its name in the source: its groups stand before it, and the values of a
 * table in the places of `%s`, `$0` and the like.
 */
export function namePattern(name: string): RegExp {
  const literal = name
    .split(/%[sdifjoO#]|\$\w+(?:\.\w+)*/)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`));
  return new RegExp(`(?:^| )${literal.join('.*')}$`, 's');
}

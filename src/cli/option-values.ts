import { InvalidArgumentError, Option } from 'commander';

/** Reads a whole number of an option. */
export function wholeNumber(min: number, max: number): (given: string) => number {
  return (given) => {
    const value = Number(given);
    if (/^\d+$/.test(given) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
  };
}

/** Reads a number of an option. */
export function number(min: number, max: number): (given: string) => number {
  return (given) => {
    const value = Number(given);
    if (/^\d*\.?\d+$/.test(given) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It is a number from ${min} to ${max}.`);
  };
}

/** Reads an id of somebody else's making, or a name: 1 to `most` characters, none of control. */
export function text(most = 128): (value: string) => string {
  return (value) => {
    const isPlain = value !== '' && value !== '.' && value !== '..' && !/\p{Cc}/u.test(value);
    if (isPlain && Array.from(value).length <= most) return value;
    throw new InvalidArgumentError(`It has 1 to ${most} characters, none of them of control.`);
  };
}

/** Reads a month, such as `2026-01`: the moment it begins, by UTC. */
export function month(given: string): Date {
  if (/^\d{4}-(?:0[1-9]|1[0-2])$/.test(given)) return new Date(`${given}-01T00:00:00Z`);
  throw new InvalidArgumentError('It is a month, such as 2026-01.');
}

export const merchantOption = (): Option =>
  new Option('--merchant <id>', 'whose it is').default('default').argParser(text());

export const jsonOption = (): Option => new Option('--json', 'data for programs').default(false);

/** Told the exit code of the command that ran. */
export type Finish = (exitCode: number) => void;

/** The examples below a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}

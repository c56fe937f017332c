import { createReadStream } from 'node:fs';
import { UsageError } from '../errors.ts';

/** How many lines a file has, for a progress bar. Throws a UsageError when it cannot be read. */
export async function countLines(path: string): Promise<number> {
  let lines = 0;
  let endsOpen = false;
  try {
    for await (const chunk of createReadStream(path)) {
      const bytes = chunk as Buffer;
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
      endsOpen = bytes.at(-1) !== 10;
    }
  } catch (cause) {
    throw new UsageError(`${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return endsOpen ? lines + 1 : lines;
}

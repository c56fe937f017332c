import { Writable } from 'node:stream';
import { runCommandLine } from '../../src/cli/index.ts';
import type { CommandIo } from '../../src/cli/io.ts';

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs a command of `onhand` in this process, on the database of the connection string. */
export async function run(
  connectionString: string,
  args: readonly string[],
  more: { readonly env?: Record<string, string>; readonly signal?: AbortSignal } = {},
): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const io: CommandIo = {
    stdout: sink((text) => (stdout += text)),
    stderr: sink((text) => (stderr += text)),
    isTerminal: false,
    env: {
      NODE_ENV: 'test',
      DATABASE_URL: connectionString,
      ENCRYPTION_KEY: '00'.repeat(32),
      ...more.env,
    },
    stopSignal: () => more.signal ?? new AbortController().signal,
  };
  return { code: await runCommandLine(args, io), stdout, stderr };
}

/** A stream that hands on what is written. */
export function sink(take: (text: string) => void): NodeJS.WritableStream {
  return new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      take(chunk);
      done();
    },
  });
}

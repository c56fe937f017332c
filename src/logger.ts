import { destination, pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Paths that never reach a log line, wherever they occur in a logged object. */
const secretPaths = [
  'authorization',
  'headers.authorization',
  'credentials',
  'secret',
  'password',
  'key',
  '*.credentials',
  '*.secret',
  '*.password',
];

/**
 * The program's logger: JSON lines, buffered, secrets removed.
 * @param level one of pino's levels; `silent` for none
 * @param stream where lines go; standard output when absent
 */
export function createLogger(level: string, stream?: DestinationStream): Logger {
  return pino(
    { level, base: null, redact: { paths: secretPaths, censor: '[removed]' } },
    // Buffered: one write for many lines. The owner flushes it when the process ends.
    stream ?? destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 200 }),
  );
}

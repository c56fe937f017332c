import type { CommandIo } from './io.ts';

/** The streams and signals of this process. */
export function processIo(): CommandIo {
  // `onhand … | head`: whoever reads has had enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  let controller: AbortController | undefined;
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    isTerminal: process.stderr.isTTY,
    stopSignal: () => {
      controller ??= abortOnSignal();
      return controller.signal;
    },
  };
}

/** The terminal and npm both pass a signal on: one that follows at once is the same one. */
const sameSignalMs = 500;

function abortOnSignal(): AbortController {
  const controller = new AbortController();
  let stoppingSince = 0;
  const stop = (signal: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      stoppingSince = performance.now();
      controller.abort();
    } else if (performance.now() - stoppingSince > sameSignalMs) {
      process.exit(signal === 'SIGINT' ? 130 : 143);
    }
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller;
}

/** The terminal and npm both pass a signal on: one that follows at once is the same one. */
const sameSignalMs = 500;

/**
 * Aborted when the demonstration is to end: Ctrl-C, a terminal that is closed, a reader that has
 * had enough. What asks again later ends the process as it is.
 */
export function stopSignal(): AbortSignal {
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
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    controller.abort();
  });
  return controller.signal;
}

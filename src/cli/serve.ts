import { setFlagsFromString } from 'node:v8';
import { loadConfig } from '../config.ts';
import { startApp, type App } from '../app.ts';
import { createLogger } from '../logger.ts';
import { hidePassword } from './hide-password.ts';

export type ServeOptions = {
  readonly http: boolean;
  readonly workers: boolean;
  readonly port?: number | undefined;
  readonly host?: string | undefined;
};

/**
 * Runs the service until SIGTERM or SIGINT; a second one ends it at once. Resolves with the exit
 * code: 0 when everything under way was finished in time, else 1.
 */
export async function serve(options: ServeOptions): Promise<number> {
  // Else V8 takes what requests make for lasting, and makes it among the old objects, which keeps
  // all that is reached from there (decision 0018).
  setFlagsFromString('--no-allocation-site-pretenuring');
  const loaded = loadConfig();
  const { port = loaded.server.port, host = loaded.server.host } = options;
  const config = { ...loaded, server: { ...loaded.server, port, host } };
  const logger = createLogger(config.log.level);
  for (const setting of config.withoutEffect) {
    logger.warn({ setting }, 'this setting has no effect yet');
  }
  const stopRequested = nextSignal();
  const app = await startApp(config, logger, options).catch((fault: unknown) => {
    endWhatHangs();
    throw fault;
  });
  process.stdout.write(banner(app));
  const signal = await stopRequested;
  logger.info({ signal }, 'stopping');
  endAtOnceOnTheNext();
  // What was cut off needs a moment too, to be let go.
  const late = timeout(config.server.shutdownTimeoutMs + 2_000);
  const ending = await Promise.race([app.stop(), late]);
  logger.flush();
  // What did not end in time would keep the process alive.
  if (ending === 'late') process.exit(1);
  return ending ? 0 : 1;
}

/** The terminal and npm both pass a signal on: one that follows at once is the same one. */
const sameSignalMs = 500;

function endAtOnceOnTheNext(): void {
  const stoppingSince = performance.now();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (performance.now() - stoppingSince < sameSignalMs) return;
      process.exit(signal === 'SIGINT' ? 130 : 143);
    });
  }
}

/** What a failed start has begun shall not keep the process alive once the fault is told. */
function endWhatHangs(): void {
  setTimeout(() => process.exit(), 1_000).unref();
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
}

function timeout(ms: number): Promise<'late'> {
  return new Promise((resolve) => {
    setTimeout(() => resolve('late'), ms).unref();
  });
}

/** What a newcomer needs to see: where it is, what it writes to, and the key. */
function banner({ url, core, newAdminKey }: App): string {
  const { embedded, config, connectionString } = core;
  const where = embedded === undefined ? hidePassword(connectionString) : connectionString;
  const lines = [
    ...(url === undefined ? [] : [`  listening  ${url}  (reference: ${url}/api/docs)`]),
    `  database   ${where}${embedded === undefined ? '' : `  (its own, in ${config.dataDir})`}`,
    ...(newAdminKey === undefined
      ? []
      : [`  admin key  ${newAdminKey}  (shown this once; keep it)`]),
  ];
  return `onhand\n${lines.join('\n')}\n`;
}

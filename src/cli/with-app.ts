import { startApp, type App } from '../app.ts';
import { loadConfig } from '../config.ts';
import { createLogger } from '../logger.ts';
import { remark, type CommandIo } from './io.ts';

/**
 * Does `work` with the workers of a service in this process, and ends them afterwards. Where a
 * service runs already they share what there is to do.
 */
export async function withApp<T>(io: CommandIo, work: (app: App) => Promise<T>): Promise<T> {
  const config = loadConfig(io.env === undefined ? {} : { env: io.env });
  const level = config.log.level === 'silent' ? 'silent' : 'warn';
  const logger = createLogger(level, { write: (line) => void io.stderr.write(line) });
  const app = await startApp(config, logger, { http: false, workers: true });
  // Shown once, whatever started first.
  if (app.newAdminKey !== undefined) remark(io, `admin key: ${app.newAdminKey}`);
  try {
    return await work(app);
  } finally {
    await app.stop();
  }
}

import { loadConfig } from '../config.ts';
import { openCore, type Core } from '../core.ts';
import { UsageError } from '../errors.ts';
import { createLogger } from '../logger.ts';
import { merchantExists } from '../merchants/index.ts';
import type { CommandIo } from './io.ts';

/** Does `work` with the database open and migrated, and lets it go afterwards. */
export async function withCore<T>(io: CommandIo, work: (core: Core) => Promise<T>): Promise<T> {
  const config = loadConfig(io.env === undefined ? {} : { env: io.env });
  // Standard output is the command's answer; what the program says of itself goes beside it.
  const level = config.log.level === 'silent' ? 'silent' : 'warn';
  const logger = createLogger(level, { write: (line) => void io.stderr.write(line) });
  const core = await openCore(config, logger);
  try {
    return await work(core);
  } finally {
    await core.close();
  }
}

/** Throws a UsageError when there is no such merchant. */
export async function requireMerchant(core: Core, merchantId: string): Promise<void> {
  if (await merchantExists(core.db, merchantId)) return;
  throw new UsageError(
    `There is no merchant "${merchantId}". Make it with PUT /api/merchants/${merchantId}.`,
  );
}

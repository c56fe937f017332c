import { PgBoss } from 'pg-boss';
import type { Logger } from '../logger.ts';

/** The schema of the database in which pg-boss keeps its tables. */
export const bossSchema = 'pgboss';

/**
 * Starts pg-boss on a few connections of its own; it brings its schema up to date under a lock, so
 * that processes may start together.
 * @param supervise whether this process does the queues' maintenance and runs schedules
 */
export async function startBoss(
  connectionString: string,
  logger: Logger,
  supervise: boolean,
): Promise<PgBoss> {
  const boss = new PgBoss({
    connectionString,
    schema: bossSchema,
    application_name: 'onhand jobs',
    max: supervise ? 5 : 2,
    supervise,
    schedule: supervise,
    // Finished jobs leave after ten minutes; the default looks once a day.
    maintenanceIntervalSeconds: 120,
    cronMonitorIntervalSeconds: 30,
    cronWorkerIntervalSeconds: 30,
  });
  boss.on('error', (error) => logger.warn({ err: error }, 'pg-boss reports an error'));
  boss.on('warning', (warning) => logger.warn({ warning }, 'pg-boss warns'));
  await boss.start();
  return boss;
}

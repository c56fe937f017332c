export { numberArray, textArray, timeArray } from './array-literal.ts';
export { createPool, openDatabase } from './database.ts';
export type { DatabaseHandle, DatabaseOptions, Db, Tables, Tx } from './database.ts';
export { classifyFailure, isUnavailable, type Failure } from './failure.ts';
export { migrateToLatest, pendingMigrations } from './migrate.ts';
export { openEmbeddedPostgres } from './embedded/index.ts';
export type { EmbeddedPostgres, EmbeddedPostgresOptions } from './embedded/index.ts';
export { pipelined, plannedOnce, statementsOver, together } from './pipelined.ts';
export { whileLocked } from './session-lock.ts';

import { readdir } from 'node:fs/promises';
import { Migrator, type Migration } from 'kysely/migration';
import { openDatabase } from './database.ts';

const migrationsFolder = new URL('../../migrations/', import.meta.url);

/** Every migration, by name in the order in which they apply. Forward only. */
export async function readMigrations(): Promise<Record<string, Migration>> {
  const migrations: Record<string, Migration> = {};
  const names = (await readdir(migrationsFolder)).filter((name) => /^\d{4}_.*\.ts$/.test(name));
  for (const name of names.toSorted()) {
    const module = (await import(new URL(name, migrationsFolder).href)) as Migration;
    migrations[name.replace(/\.ts$/, '')] = module;
  }
  return migrations;
}

/**
 * Brings the schema to the newest version and returns the names of the migrations it applied.
 * Kysely holds an advisory lock and one transaction meanwhile, so processes that start together
 * apply each migration once.
 */
export async function migrateToLatest(connectionString: string): Promise<readonly string[]> {
  const database = openDatabase({ connectionString, poolSize: 2 });
  try {
    const migrator = newMigrator(database.db);
    const { error, results } = await migrator.migrateToLatest();
    if (error !== undefined) throw new Error('a migration failed', { cause: error });
    return (results ?? []).filter((r) => r.status === 'Success').map((r) => r.migrationName);
  } finally {
    await database.close();
  }
}

function newMigrator(db: ReturnType<typeof openDatabase>['db']): Migrator {
  return new Migrator({ db, provider: { getMigrations: readMigrations } });
}

/** The names of migrations that the database has not seen yet. */
export async function pendingMigrations(
  db: ReturnType<typeof openDatabase>['db'],
): Promise<readonly string[]> {
  const migrations = await newMigrator(db).getMigrations();
  return migrations.filter((m) => m.executedAt === undefined).map((m) => m.name);
}

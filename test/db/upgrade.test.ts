import { readdir, readFile } from 'node:fs/promises';
import { Migrator } from 'kysely/migration';
import { expect, onTestFinished, test } from 'vitest';
import { migrateToLatest, readMigrations } from '../../src/db/migrate.ts';
import { createBlankDatabase, createTestDatabase, runOnServer } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';

// A migration loads what a function's file says today, so a new database never sees what older
// ones have. Each file in `kept` puts a database back to what it was at a migration.

async function migrateTo(connectionString: string, migration: string): Promise<void> {
  const database = openDatabase({ connectionString, poolSize: 2 });
  const migrator = new Migrator({ db: database.db, provider: { getMigrations: readMigrations } });
  const { error } = await migrator.migrateTo(migration);
  await database.close();
  expect(error).toBeUndefined();
}

/** All that a schema consists of, as text: functions, types and views, columns, keys, indexes. */
async function describeSchema(connectionString: string): Promise<string[]> {
  const rows = await runOnServer(
    connectionString,
    `with ours as (
       select oid from pg_namespace where nspname in ('public', 'audit'))
     select concat('function ', oid::regprocedure, ' ', pg_get_function_result(oid), proconfig,
                   prosrc) as line
       from pg_proc where pronamespace in (select oid from ours) and prokind = 'f'
     union all
     select 'view ' || oid::regclass || pg_get_viewdef(oid)
       from pg_class where relnamespace in (select oid from ours) and relkind = 'v'
     union all
     select format('column %s.%s %s %s', c.oid::regclass, attname,
                   format_type(atttypid, atttypmod), attnotnull)
       from pg_attribute a join pg_class c on c.oid = a.attrelid
       where relnamespace in (select oid from ours) and attnum > 0 and not attisdropped
         and relkind in ('r', 'p', 'c')
     union all
     select format('constraint %s of %s %s', conname, conrelid::regclass,
                   pg_get_constraintdef(oid))
       from pg_constraint where connamespace in (select oid from ours)
     union all
     select pg_get_indexdef(indexrelid)
       from pg_index i join pg_class c on c.oid = i.indexrelid
       where relnamespace in (select oid from ours)
     order by 1`,
  );
  return rows.map(({ line }) => line ?? '');
}

const folder = new URL('kept/', import.meta.url);

test.each(await readdir(folder))('a database of %s becomes what a new one is', async (file) => {
  const [blank, fresh] = [await createBlankDatabase(), await createTestDatabase()];
  onTestFinished(async () => {
    await blank.drop();
    await fresh.drop();
  });
  const older = blank.connectionString;
  await migrateTo(older, file.replace('.sql', ''));
  await runOnServer(older, await readFile(new URL(file, folder), 'utf8'));
  const expected = await describeSchema(fresh.connectionString);
  expect(expected.length).toBeGreaterThan(500);

  expect(await describeSchema(older)).not.toEqual(expected);
  await migrateToLatest(older);
  expect(await describeSchema(older)).toEqual(expected);
});

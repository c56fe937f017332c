import { expect, inject, test } from 'vitest';
import { createTestDatabase, runOnServer } from '../support/database.ts';

test('each test database is a migrated one of its own and gone after drop', async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  try {
    await runOnServer(one.connectionString, 'create table mine as select 1 as n');
    await expect(runOnServer(two.connectionString, 'table mine')).rejects.toThrow(/does not exist/);
    const migrations = await runOnServer(two.connectionString, 'table kysely_migration');
    expect(migrations).not.toEqual([]);
  } finally {
    await one.drop();
    await two.drop();
  }
  await expect(runOnServer(one.connectionString, 'select 1')).rejects.toThrow(/does not exist/);
});

test('nobody can connect to the template, so that it can be cloned at any time', async () => {
  const { adminUrl, template } = inject('testDatabases');
  const url = new URL(adminUrl);
  url.pathname = `/${template}`;
  await expect(runOnServer(url.href, 'select 1')).rejects.toThrow(/not currently accepting/);
});

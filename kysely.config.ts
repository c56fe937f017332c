import { PostgresDialect } from 'kysely';
import { defineConfig } from 'kysely-ctl';
import { createPool } from './src/db/index.ts';
import { loadConfig } from './src/config.ts';

// kysely-ctl reads its configuration from a default export.
// oxlint-disable-next-line import/no-default-export
export default defineConfig({
  dialect: new PostgresDialect({
    pool: async () => {
      const url = loadConfig().database.url;
      if (url === undefined) throw new Error('kysely-ctl needs DATABASE_URL');
      return createPool({ connectionString: url, poolSize: 2 });
    },
  }),
  migrations: { migrationFolder: 'migrations' },
});

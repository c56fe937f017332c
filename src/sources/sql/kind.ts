import { z } from 'zod';
import { onDemand, reportedQuantities, type SourceKind } from '../source.ts';
import { openQuery } from './read-query.ts';
import { serverOf } from './server.ts';

const column = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, { error: 'a column name' });

const configSchema = z.strictObject({
  /** Gives rows that changed since `:since`, whose columns are named as an item's fields. */
  query: z
    .string()
    .min(1)
    .max(20_000)
    .refine((text) => /(?<!:):since\b/.test(text), { error: 'a query with :since' })
    .refine((text) => !/;\s*\S/.test(text), { error: 'one query' }),
  timestampColumn: column.default('observed_at'),
  idColumn: column.default('id'),
  /** Rows that were committed late lie so far behind the newest at most. */
  overlapSeconds: z.number().min(0).max(86_400).default(60),
  storeId: z.string().min(1).max(128).optional(),
  quantity: z.enum(reportedQuantities).optional(),
  onDemand,
});

export type SqlConfig = z.infer<typeof configSchema>;
export type SqlCredentials = { readonly url: string };

/** A query on the merchant's own Postgres. */
export function createSqlKind(options: {
  readonly allowPrivateAddresses: boolean;
}): SourceKind<SqlConfig, SqlCredentials> {
  return {
    kind: 'sql',
    modes: ['delta', 'full'],
    configSchema,
    credentialsSchema: z.strictObject({
      url: z.string().refine((url) => serverOf(url) !== undefined, {
        error: 'postgres://user:password@host:port/database, and ?sslmode=… if need be',
      }),
    }),
    // They say themselves where.
    credentialsGoTo: () => [],
    open: ({ config, credentials }) => openQuery(config, credentials, options),
  };
}

import type { SourcesContext } from './context.ts';
import { findSource, openCredentials } from './source-row.ts';

/** The secret that a source signs its pushes with; undefined where there is none. */
export async function pushSecretOf(
  { db, secretBox }: SourcesContext,
  merchantId: string,
  sourceId: string,
): Promise<string | undefined> {
  const row = await findSource(db, merchantId, sourceId);
  if (row === undefined || row.credentials === null) return undefined;
  const credentials = openCredentials(row, secretBox);
  if (typeof credentials !== 'object' || credentials === null) return undefined;
  return 'secret' in credentials && typeof credentials.secret === 'string'
    ? credentials.secret
    : undefined;
}

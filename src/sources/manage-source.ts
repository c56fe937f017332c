import type { Db } from '../db/index.ts';
import { ok, refused, type Result } from '../errors.ts';
import { pageOf, type PageOf, type PageRequest } from '../page.ts';
import type { SourcesContext } from './context.ts';
import { findSource, sourceNotFound } from './source-row.ts';
import type { SourceMode } from './tables.ts';
import { viewSources, type SourceView } from './view-source.ts';

/** Refusals: SOURCE.NOT_FOUND. */
export async function getSource(
  context: SourcesContext,
  merchantId: string,
  sourceId: string,
): Promise<Result<SourceView>> {
  const [source] = await viewSources(context, merchantId, { sourceId });
  return source === undefined ? refused(sourceNotFound(sourceId)) : ok(source);
}

/** Sources by id, at most `limit` after `after`. */
export async function listSources(
  context: SourcesContext,
  filter: PageRequest & { readonly merchantId: string },
): Promise<PageOf<SourceView, string>> {
  const { merchantId, after, limit } = filter;
  const found = await viewSources(context, merchantId, { after, limit: limit + 1 });
  return pageOf(found, limit, (source) => source.sourceId);
}

/**
 * Deletes a source with what it owned, told and has waiting. What it did to stock stays, and a run
 * of it that is under way ends at its next page. Refusals: SOURCE.NOT_FOUND.
 */
export async function deleteSource(
  db: Db,
  merchantId: string,
  sourceId: string,
): Promise<Result<undefined>> {
  const deleted = await db
    .deleteFrom('source')
    .where('merchant_id', '=', merchantId)
    .where('source_id', '=', sourceId)
    .returning('source_id')
    .executeTakeFirst();
  return deleted === undefined ? refused(sourceNotFound(sourceId)) : ok(undefined);
}

/** How a source is read; undefined: it only pushes, or is gone. */
export async function modeOf(
  { db, kinds }: SourcesContext,
  { merchantId, sourceId }: { readonly merchantId: string; readonly sourceId: string },
): Promise<SourceMode | undefined> {
  const row = await findSource(db, merchantId, sourceId);
  const modes = kinds.get(row?.kind ?? '')?.modes ?? [];
  return modes.length === 0 ? undefined : row?.mode;
}

import { sql, type Selectable } from 'kysely';
import type { Db, Tx } from '../db/index.ts';
import type { SecretBox } from '../encryption.ts';
import { refuse, type Refusal } from '../errors.ts';
import type { SourceSettings } from './context.ts';
import type { SourceKind } from './source.ts';
import type { Guards, SourceTable } from './tables.ts';

export type SourceRow = Selectable<SourceTable>;

/** More than half of what is there does not sell out between two reads. */
const massZeroPercent = 50;

/** A source's guards with what its kind makes of those that were not given. */
export function guardsOf(row: Pick<SourceRow, 'guards'>, kind: SourceKind | undefined): Guards {
  const given = row.guards;
  return {
    massZeroPercent: given.massZeroPercent ?? (kind?.zeroIsUsual === true ? 100 : massZeroPercent),
    maxDeltaPercent: given.maxDeltaPercent ?? null,
    unknownSkus: given.unknownSkus ?? 'create',
  };
}

/** Items of a page: what the source says, or what the settings and its kind allow. */
export function batchSizeOf(
  row: Pick<SourceRow, 'batch_size'>,
  kind: Pick<SourceKind, 'batchSize'> | undefined,
  settings: SourceSettings,
): number {
  return (
    row.batch_size ?? Math.min(settings.batchSize, kind?.batchSize ?? Number.POSITIVE_INFINITY)
  );
}

export async function findSource(
  db: Db | Tx,
  merchantId: string,
  sourceId: string,
): Promise<SourceRow | undefined> {
  return await db
    .selectFrom('source')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('source_id', '=', sourceId)
    .executeTakeFirst();
}

export function sourceNotFound(sourceId: string): Refusal {
  return refuse('SOURCE.NOT_FOUND', 'There is no such source.', { sourceId });
}

/** What a source's sealed credentials are bound to. */
export function credentialsContext(merchantId: string, sourceId: string): string {
  return JSON.stringify(['source', merchantId, sourceId]);
}

/** Throws when they were sealed with another key. */
export function openCredentials(row: SourceRow, secretBox: SecretBox): unknown {
  if (row.credentials === null) return undefined;
  const context = credentialsContext(row.merchant_id, row.source_id);
  const credentials: unknown = JSON.parse(secretBox.open(row.credentials, context));
  return credentials;
}

/** How long a source still wants to be left alone, in ms; undefined: it may be asked. */
export async function blockedForMs(
  db: Db,
  { merchant_id, source_id }: Pick<SourceRow, 'merchant_id' | 'source_id'>,
): Promise<number | undefined> {
  const { rows } = await sql<{ ms: number }>`
    select (extract(epoch from blocked_until - clock_timestamp()) * 1000)::double precision as ms
    from source
    where merchant_id = ${merchant_id} and source_id = ${source_id}
      and blocked_until > clock_timestamp()`.execute(db);
  return rows[0]?.ms;
}

/** The database's time, moved as every decision's is. */
export async function databaseNow(db: Db, offsetMs: number): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`
    select clock_timestamp() + ${offsetMs} * interval '1 millisecond' as now`.execute(db);
  return rows[0]?.now ?? new Date();
}

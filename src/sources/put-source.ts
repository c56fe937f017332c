import { sql } from 'kysely';
import type { z } from 'zod';
import type { Tx } from '../db/index.ts';
import { ok, refuse, refused, type Refusal, type Result } from '../errors.ts';
import type { SourcesContext } from './context.ts';
import { claimOwnership, type Claim } from './ownership.ts';
import { credentialsContext, type SourceRow } from './source-row.ts';
import type { SourceKind } from './source.ts';
import type { Guards, SourceMode } from './tables.ts';
import { viewSources, type SourceView } from './view-source.ts';

export type PutSourceInput = {
  readonly merchantId: string;
  readonly sourceId: string;
  readonly kind: string;
  /** Absent: the kind's first. */
  readonly mode?: SourceMode | undefined;
  readonly config: unknown;
  /** Absent: those it has, for where they went so far. */
  readonly credentials?: unknown;
  readonly owns: readonly Claim[];
  /** 0.01 … 525,600; absent: as the merchant's schedule or the settings say. */
  readonly intervalMinutes?: number | null | undefined;
  /** 1 … 10,000; absent: as the settings say. */
  readonly batchSize?: number | null | undefined;
  readonly guards?: { readonly [Name in keyof Guards]?: Guards[Name] | undefined } | undefined;
  readonly enabled?: boolean | undefined;
};

export type PutSourceResult = { readonly created: boolean; readonly source: SourceView };

/**
 * Creates a source or replaces its settings; credentials that are not given stay as they are. When
 * it is to be found elsewhere, it is read from the beginning. Who may change it need not know its
 * credentials: where they would be sent to another place, they have to be given again.
 *
 * Refusals: SOURCE.UNKNOWN_KIND, SOURCE.INVALID (with `errors: [{ path, message }]`),
 * SOURCE.KIND_CHANGED, SOURCE.OWNED_BY_OTHER.
 */
export async function putSource(
  context: SourcesContext,
  input: PutSourceInput,
): Promise<Result<PutSourceResult>> {
  const { db, kinds } = context;
  const { merchantId, sourceId } = input;
  const kind = kinds.get(input.kind);
  if (kind === undefined) {
    return refused(
      refuse('SOURCE.UNKNOWN_KIND', 'There is no such kind of source.', { kind: input.kind }),
    );
  }
  const errors = invalidFields(kind, input);
  if (errors.length > 0) {
    return refused(invalidSource(errors));
  }
  try {
    const created = await db.transaction().execute(async (tx) => {
      const before = await lockSource(tx, input);
      if (before !== undefined && before.kind !== input.kind) {
        throw new Refused(
          refuse('SOURCE.KIND_CHANGED', 'A source keeps its kind; delete it to make another.', {
            kind: before.kind,
          }),
        );
      }
      if (before !== undefined && isSentElsewhere(kind, input, before)) {
        const message = 'to be given again for another address';
        throw new Refused(invalidSource([{ path: 'credentials', message }]));
      }
      await writeSource(tx, context, kind, input, before);
      const taken = await claimOwnership(tx, merchantId, sourceId, input.owns);
      if (taken !== undefined) throw new Refused(taken);
      return before === undefined;
    });
    const [source] = await viewSources(context, merchantId, { sourceId });
    if (source === undefined) throw new Error('the source was not written');
    return ok({ created, source });
  } catch (error) {
    if (error instanceof Refused) return refused(error.refusal);
    throw error;
  }
}

/** Ends a transaction without a trace; becomes a value again outside of it. */
class Refused extends Error {
  readonly refusal;
  constructor(refusal: Refusal) {
    super(refusal.code);
    this.refusal = refusal;
  }
}

async function lockSource(
  tx: Tx,
  { merchantId, sourceId }: PutSourceInput,
): Promise<SourceRow | undefined> {
  return await tx
    .selectFrom('source')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('source_id', '=', sourceId)
    .forNoKeyUpdate()
    .executeTakeFirst();
}

async function writeSource(
  tx: Tx,
  { secretBox }: SourcesContext,
  kind: SourceKind,
  input: PutSourceInput,
  before: SourceRow | undefined,
): Promise<void> {
  const { merchantId, sourceId, credentials } = input;
  const config: unknown = kind.configSchema.parse(input.config);
  const isElsewhere = before !== undefined && JSON.stringify(before.config) !== ordered(config);
  const sealed =
    credentials === undefined
      ? {}
      : {
          credentials: secretBox.seal(
            JSON.stringify(kind.credentialsSchema.parse(credentials)),
            credentialsContext(merchantId, sourceId),
          ),
        };
  const guards = Object.fromEntries(
    Object.entries(input.guards ?? {}).filter(([, value]) => value !== undefined),
  );
  const values = {
    kind: input.kind,
    mode: input.mode ?? kind.modes[0] ?? 'delta',
    config: JSON.stringify(config),
    interval_minutes: input.intervalMinutes ?? null,
    batch_size: input.batchSize ?? null,
    guards: JSON.stringify(guards),
    enabled: input.enabled ?? true,
    updated_at: sql<Date>`clock_timestamp()`,
    next_run_at: sql<Date>`clock_timestamp()`,
    ...sealed,
  };
  // A run on the way was for what it was before.
  const moved = sql<number>`source.revision + 1`;
  await tx
    .insertInto('source')
    .values({
      merchant_id: merchantId,
      source_id: sourceId,
      created_at: sql<Date>`clock_timestamp()`,
      ...values,
    })
    .onConflict((conflict) =>
      conflict.columns(['merchant_id', 'source_id']).doUpdateSet({
        ...values,
        revision: moved,
        blocked_until: null,
        ...(isElsewhere ? { watermark: null, snapshot: null } : {}),
      }),
    )
    .execute();
}

/** Postgres gives the members of jsonb in an order of its own. */
function ordered(config: unknown): string {
  return JSON.stringify(sorted(config));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      // By length, then by bytes: the order of jsonb.
      .toSorted(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}

/** Whether credentials that are kept would be sent where they were not sent before. */
function isSentElsewhere(kind: SourceKind, input: PutSourceInput, before: SourceRow): boolean {
  if (input.credentials !== undefined || before.credentials === null) return false;
  const known = kind.credentialsGoTo(before.config);
  const places = kind.credentialsGoTo(kind.configSchema.parse(input.config));
  return places.some((place, index) => place !== known[index]);
}

type FieldError = { readonly path: string; readonly message: string };

function invalidFields(kind: SourceKind, input: PutSourceInput): FieldError[] {
  const errors = fieldErrors('config', kind.configSchema.safeParse(input.config).error);
  if (input.credentials !== undefined) {
    const { error } = kind.credentialsSchema.safeParse(input.credentials);
    errors.push(...fieldErrors('credentials', error));
  }
  if (input.mode !== undefined && kind.modes.length > 0 && !kind.modes.includes(input.mode)) {
    errors.push({ path: 'mode', message: `one of ${kind.modes.join(', ')}` });
  }
  return errors;
}

function invalidSource(errors: readonly FieldError[]): Refusal {
  return refuse('SOURCE.INVALID', 'The source cannot be set so.', { errors });
}

function fieldErrors(field: string, error: z.ZodError | undefined): FieldError[] {
  return (error?.issues ?? []).map((issue) => ({
    path: [field, ...issue.path.map(String)].join('.'),
    message: issue.message,
  }));
}

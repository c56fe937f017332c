import { sql } from 'kysely';
import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Db, Tx } from '../db/index.ts';
import type { SecretBox } from '../encryption.ts';
import { ok, refuse, refused, type Result } from '../errors.ts';
import type { Adapters, ChannelAdapter, Selection } from './adapter.ts';
import {
  credentialsContext,
  queueName,
  viewChannels,
  type ChannelRow,
  type ChannelView,
} from './channel.ts';
import { movedPrefix } from './plan-call.ts';
import { dropCarried } from './stored-calls.ts';
import { bufferOf, bufferSchema, type Buffer } from './shown-quantity.ts';
import type { ChannelMode, DriftPolicy } from './tables.ts';

const defaultTimeoutMs = 5_000;
/** A call holds one of the channel's few places for so long. */
const longestTimeoutMs = 60_000;

export type PutChannelInput = {
  readonly merchantId: string;
  readonly channelId: string;
  readonly kind: string;
  readonly config: unknown;
  /** Absent: those it has, for where they went so far, or new ones where the kind makes its own. */
  readonly credentials?: unknown;
  readonly mode?: ChannelMode | undefined;
  /** Calls per second, above 0; absent: no limit. */
  readonly rateLimitRps?: number | null | undefined;
  /** 1 … 60,000; absent: as the kind's adapter says, else 5,000. */
  readonly timeoutMs?: number | undefined;
  /** 1 … 1,000; absent: as the settings say. */
  readonly maxAttempts?: number | null | undefined;
  readonly enabled?: boolean | undefined;
  readonly buffer?: Buffer | null | undefined;
  /** How long changes are collected for one call, in ms; absent: as the settings say. */
  readonly batchWindowMs?: number | null | undefined;
  /** `ours` when absent. */
  readonly driftPolicy?: DriftPolicy | undefined;
};

export type PutChannelContext = {
  readonly adapters: Adapters;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  /** What channels get that do not say otherwise. */
  readonly presets?: readonly ChannelPreset[];
};

/** Settings for the channel of this id, or, where the id is the kind's name, for all of a kind. */
export type ChannelPreset = {
  readonly id: string;
  readonly kind: string;
  readonly rateLimitRps?: number | undefined;
  readonly timeoutMs?: number | undefined;
};

export type PutChannelResult = {
  readonly created: boolean;
  readonly channel: ChannelView;
  /** Only when we made it just now: it is shown this once. */
  readonly generatedSecret?: string;
};

/**
 * Creates a channel or replaces its settings; credentials that are not given stay as they are. A
 * `latest` channel then gets every level it selects, an `every` channel each entry recorded from
 * its creation on. When the address changes, it gets everything again. Who may change it need not
 * know its credentials: where they would be sent to another place, they have to be given again.
 *
 * Refusals: CHANNEL.UNKNOWN_KIND, CHANNEL.KIND_CHANGED, CHANNEL.INVALID (with
 * `errors: [{ path, message }]`), CHANNEL.CREDENTIALS_MISSING.
 */
export async function putChannel(
  db: Db,
  context: PutChannelContext,
  input: PutChannelInput,
): Promise<Result<PutChannelResult>> {
  const adapter = context.adapters.get(input.kind);
  if (adapter === undefined) {
    const { kind } = input;
    return refused(refuse('CHANNEL.UNKNOWN_KIND', 'There is no such kind of channel.', { kind }));
  }
  const invalid = invalidFields(adapter, input);
  if (invalid.length > 0) {
    return refused(refuse('CHANNEL.INVALID', 'The channel cannot be set so.', { errors: invalid }));
  }
  const config = adapter.configSchema.parse(input.config);
  return db.transaction().execute(async (tx) => {
    const before = await lockChannel(tx, input.merchantId, input.channelId);
    if (before !== undefined && before.kind !== input.kind) {
      return refused(
        refuse('CHANNEL.KIND_CHANGED', 'A channel keeps its kind; delete it to make another.', {
          kind: before.kind,
        }),
      );
    }
    if (before !== undefined && isSentElsewhere(adapter, input, { before, config })) {
      const text = 'Another address needs the credentials to be given again.';
      return refused(refuse('CHANNEL.CREDENTIALS_MISSING', text));
    }
    const secrets = secretsOf(adapter, input, before);
    if (secrets === undefined) {
      return refused(refuse('CHANNEL.CREDENTIALS_MISSING', 'The channel needs credentials.'));
    }
    const row = await writeChannel(tx, { adapter, config, input, before, context, secrets });
    await dropUnselected(tx, row);
    const [channel] = await viewChannels(tx, input.merchantId, [row]);
    if (channel === undefined) throw new Error('a channel that was written has no view');
    const { generated } = secrets;
    const secret = generated === undefined ? {} : { generatedSecret: generated };
    return ok({ created: before === undefined, channel, ...secret });
  });
}

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max;
}

type FieldError = { readonly path: string; readonly message: string };

function invalidFields(adapter: ChannelAdapter, input: PutChannelInput): FieldError[] {
  const errors = fieldErrors('config', adapter.configSchema.safeParse(input.config).error);
  if (input.credentials !== undefined) {
    const parsed = adapter.credentialsSchema.safeParse(input.credentials);
    errors.push(...fieldErrors('credentials', parsed.error));
  }
  const { timeoutMs, maxAttempts, rateLimitRps } = input;
  if (timeoutMs !== undefined && !isWhole(timeoutMs, longestTimeoutMs)) {
    errors.push({ path: 'timeoutMs', message: `a whole number from 1 to ${longestTimeoutMs}` });
  }
  if (typeof maxAttempts === 'number' && !isWhole(maxAttempts, 1_000)) {
    errors.push({ path: 'maxAttempts', message: 'a whole number from 1 to 1000' });
  }
  if (typeof rateLimitRps === 'number' && !(rateLimitRps > 0 && rateLimitRps <= 100_000)) {
    errors.push({ path: 'rateLimitRps', message: 'a number above 0, at most 100000' });
  }
  if (input.buffer !== undefined && input.buffer !== null) {
    errors.push(...fieldErrors('buffer', bufferSchema.safeParse(input.buffer).error));
    if (input.mode === 'every') {
      const message = 'of a latest channel: every tells what each change did';
      errors.push({ path: 'buffer', message });
    }
  }
  return errors;
}

function fieldErrors(field: string, error: z.ZodError | undefined): FieldError[] {
  return (error?.issues ?? []).map((issue) => ({
    path: [field, ...issue.path.map(String)].join('.'),
    message: issue.message,
  }));
}

/**
 * Reads a channel and keeps others from changing it until the end of the transaction. Not as strong
 * as `for update`: that would also hold up whoever inserts a listing, which refers to the channel.
 */
export async function lockChannel(
  tx: Tx,
  merchantId: string,
  channelId: string,
): Promise<ChannelRow | undefined> {
  return await tx
    .selectFrom('channel')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('channel_id', '=', channelId)
    .forNoKeyUpdate()
    .executeTakeFirst();
}

/** Whether credentials that are kept would be sent where they were not sent before. */
function isSentElsewhere(
  adapter: ChannelAdapter,
  input: PutChannelInput,
  { before, config }: { readonly before: ChannelRow; readonly config: unknown },
): boolean {
  if (input.credentials !== undefined || before.credentials === null) return false;
  const places = (one: unknown): readonly string[] =>
    adapter.credentialsGoTo?.(one) ?? [adapter.address(one)];
  const known = places(before.config);
  return places(config).some((place, index) => place !== known[index]);
}

type Secrets = { readonly given?: unknown; readonly generated?: string };

/** Credentials to seal, or nothing to change, or undefined where none are there at all. */
function secretsOf(
  adapter: ChannelAdapter,
  input: PutChannelInput,
  before: ChannelRow | undefined,
): Secrets | undefined {
  if (input.credentials !== undefined) {
    return { given: adapter.credentialsSchema.parse(input.credentials) };
  }
  if (before !== undefined && before.credentials !== null) return {};
  const made = adapter.newCredentials?.();
  return made === undefined ? undefined : { given: made, generated: made.secret };
}

async function writeChannel(
  tx: Tx,
  what: {
    readonly adapter: ChannelAdapter;
    readonly config: unknown;
    readonly input: PutChannelInput;
    readonly before: ChannelRow | undefined;
    readonly context: PutChannelContext;
    readonly secrets: Secrets;
  },
): Promise<ChannelRow> {
  const { adapter, config, input, before, context, secrets } = what;
  const { merchantId, channelId } = input;
  const selection = adapter.selects(config);
  const preset = presetOf(input, context.presets ?? []);
  const isElsewhere =
    before !== undefined && adapter.address(before.config) !== adapter.address(config);
  // A run that was on its way starts over; with a nonce it sends what was sent already, too.
  const nonce = isElsewhere ? `${movedPrefix}${Date.now()}` : (before?.backfill?.nonce ?? null);
  const buffer = JSON.stringify(bufferOf(input.buffer));
  const isReshown = before !== undefined && JSON.stringify(bufferOf(before.buffer)) !== buffer;
  const values = {
    kind: input.kind,
    config: JSON.stringify(config),
    mode: input.mode ?? 'latest',
    // Null is a word: no limit, whatever the settings say.
    rate_limit_rps:
      input.rateLimitRps === undefined ? (preset?.rateLimitRps ?? null) : input.rateLimitRps,
    timeout_ms: input.timeoutMs ?? preset?.timeoutMs ?? adapter.timeoutMs ?? defaultTimeoutMs,
    max_attempts: input.maxAttempts ?? null,
    buffer: buffer === 'null' ? null : buffer,
    rules_version: (before?.rules_version ?? 0) + (isReshown ? 1 : 0),
    batch_window_ms: input.batchWindowMs ?? null,
    drift_policy: input.driftPolicy ?? 'ours',
    enabled: input.enabled ?? true,
    queue: queueName(merchantId, channelId),
    selects_all: selection.kind === 'all',
    select_skus: chosen(selection, 'skus'),
    select_stores: chosen(selection, 'stores'),
    backfill: JSON.stringify({ nonce, after: null }),
    ...(secrets.given === undefined
      ? {}
      : {
          credentials: context.secretBox.seal(
            JSON.stringify(secrets.given),
            credentialsContext(merchantId, channelId),
          ),
        }),
    updated_at: sql<Date>`clock_timestamp()`,
  };
  // Whoever is there now knows nothing of calls to whoever was.
  if (isElsewhere) await dropCarried(tx, merchantId, channelId);
  // The clock that also stamps ledger entries: an `every` channel begins with what comes after.
  const createdAt = sql<Date>`
    clock_timestamp() + ${context.clock.offsetMs} * interval '1 millisecond'`;
  return await tx
    .insertInto('channel')
    .values({ merchant_id: merchantId, channel_id: channelId, created_at: createdAt, ...values })
    .onConflict((conflict) => conflict.columns(['merchant_id', 'channel_id']).doUpdateSet(values))
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** The preset of the channel's id before that of its kind. */
function presetOf(
  { channelId, kind }: PutChannelInput,
  presets: readonly ChannelPreset[],
): ChannelPreset | undefined {
  const ofKind = presets.filter((preset) => preset.kind === kind);
  return ofKind.find(({ id }) => id === channelId) ?? ofKind.find(({ id }) => id === kind);
}

function chosen(selection: Selection, which: 'skus' | 'stores'): string[] | null {
  const ids = selection.kind === 'all' ? selection[which] : undefined;
  return ids === undefined ? null : [...ids];
}

/** Listings that the channel no longer selects: their jobs find nothing to do. */
async function dropUnselected(tx: Tx, row: ChannelRow): Promise<void> {
  if (row.select_skus === null && row.select_stores === null) return;
  await sql`
    delete from listing
    where merchant_id = ${row.merchant_id} and channel_id = ${row.channel_id}
      and not ((${row.select_skus}::text[] is null or sku = any (${row.select_skus}::text[]))
        and (${row.select_stores}::text[] is null
          or location_id = any (${row.select_stores}::text[])))`.execute(tx);
}

import { CronExpressionParser } from 'cron-parser';
import { z } from 'zod';
import { parseEncryptionKey } from './encryption.ts';
import { failpoints, parseFailpoint } from './failpoint.ts';

// The error of each schema is the sentence that says what is allowed: the reader of settings shows
// it beside the path and the value found.

/** The longest wait a Node timer can hold; a longer one would fire at once. */
const longestWaitMs = 2_147_483_647;
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const environments = ['development', 'test', 'production'] as const;

function wholeNumber(min: number, max: number): z.ZodInt {
  const error = `a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

function number(min: number, max: number): z.ZodNumber {
  const error = `a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
}

function milliseconds(min = 0): z.ZodInt {
  return wholeNumber(min, longestWaitMs);
}

function oneOf<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, { error: `one of ${values.join(', ')}` });
}

function yesOrNo(): z.ZodBoolean {
  return z.boolean({ error: 'true or false' });
}

function text(allowed: string, pattern: RegExp): z.ZodString {
  return z.string({ error: allowed }).regex(pattern, { error: allowed });
}

/** Read by the parser of the scheduler, so that a line that it would not take stops the start. */
function cronLine() {
  const error = 'a cron line of five fields, as in "0 2 * * *"';
  return text(error, /^[\w*/,-]+( +[\w*/,-]+){4}$/).refine(isCronLine, { error });
}

function isCronLine(line: string): boolean {
  try {
    CronExpressionParser.parse(line, { tz: 'UTC', strict: false });
    return true;
  } catch {
    return false;
  }
}

function exactKeys<const Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `one of the keys ${keys}` : `settings by key: ${keys}`,
  });
}

/** A group that may be left out, or stand empty because all its keys are commented out. */
function group<const Shape extends z.ZodRawShape>(shape: Shape) {
  return z.preprocess((value) => value ?? {}, exactKeys(shape)).prefault({});
}

const webUrl = () => text('a URL that begins with http:// or https://', /^https?:\/\/\S+$/);

const alertChannel = z.discriminatedUnion(
  'kind',
  [
    exactKeys({
      kind: z.literal('pagerduty'),
      routing_key: text('the integration key of a PagerDuty service', /^\S+$/),
      url: webUrl().default('https://events.pagerduty.com/v2/enqueue'),
    }),
    exactKeys({ kind: z.literal('slack'), url: webUrl() }),
    exactKeys({
      kind: z.literal('webhook'),
      url: webUrl(),
      secret: text('whsec_ and the key in base64', /^whsec_[A-Za-z0-9+/]+=*$/).optional(),
    }),
  ],
  { error: 'settings with a kind: pagerduty, slack or webhook' },
);

const channelPreset = exactKeys({
  id: text('1 to 128 characters without spaces', /^\S{1,128}$/),
  // Which kinds there are is known to the list of adapters alone.
  kind: text('a kind of channel, such as webhook', /^[a-z][a-z0-9-]{0,63}$/),
  rate_limit_rps: number(0.01, 100_000).optional(),
  timeout_ms: milliseconds(1).optional(),
});

const inventorySync = group({
  strategy: oneOf(['event_driven', 'polling']).default('event_driven'),
  poll_interval_seconds: wholeNumber(1, 86_400).default(60),
  concurrency: group({
    max_retries: wholeNumber(1, 100).default(5),
    cas_timeout_ms: milliseconds(1).default(2000),
  }),
  // Not an integer: the environment gives it in milliseconds.
  idempotency: group({ ttl_seconds: number(0.001, 31_536_000).default(86_400) }),
  propagation: group({
    dlq_enabled: yesOrNo().default(true),
    max_latency_ms: milliseconds(1).default(500),
    alert_threshold_ms: milliseconds(1).default(2000),
    backoff_base_ms: milliseconds(1).default(1000),
    backoff_max_ms: milliseconds(1).default(30_000),
    backoff_multiplier: number(1, 100).default(2),
    max_attempts: wholeNumber(1, 1000).default(10),
    batch_window_ms: milliseconds().default(0),
  }),
  reservations: group({
    ttl_hours: number(0.0001, 87_600).default(24),
    auto_release_enabled: yesOrNo().default(true),
    commit_after_expiry: oneOf(['if-available', 'never']).default('if-available'),
  }),
  aggregation: group({
    cache_ttl_seconds: number(0, 86_400).default(30),
    parallel_fetch_timeout_ms: milliseconds(1).default(5000),
  }),
  delta_sync: group({
    interval_minutes: number(0.01, 525_600).default(15),
    batch_size: wholeNumber(1, 10_000).default(100),
    deduplication: yesOrNo().default(true),
  }),
  reconciliation: group({
    schedule: cronLine().default('0 2 * * *'),
    discrepancy_threshold: wholeNumber(0, 2_147_483_647).default(5),
    alert_on_breach: yesOrNo().default(true),
  }),
  safety_buffers: group({
    strategy: oneOf(['static', 'dynamic', 'velocity_based']).default('static'),
    default_units: wholeNumber(0, 2_147_483_647).default(0),
    default_percentage: number(0, 100).default(10),
    lead_time_days: number(0, 365).default(2),
    service_level: number(0.5, 0.9999).default(0.95),
  }),
  ai_freshness: group({
    max_staleness_seconds: number(1, 31_536_000).default(30),
    min_confidence_score: number(0, 1).default(0.8),
    heartbeat_seconds: number(0, 31_536_000).default(0),
  }),
  monitoring: group({
    p99_lag_alert_ms: milliseconds(1).default(5000),
    oversell_threshold: wholeNumber(0, 2_147_483_647).default(0),
    metrics_interval_s: number(0.1, 86_400).default(10),
    alerting: group({
      channels: z.array(alertChannel, { error: 'a list of alert channels' }).default([]),
    }),
  }),
  channels: z.array(channelPreset, { error: 'a list of channels' }).default([
    { id: 'shopify', kind: 'shopify', rate_limit_rps: 100, timeout_ms: 3000 },
    { id: 'amazon', kind: 'amazon', rate_limit_rps: 50, timeout_ms: 5000 },
  ]),
});

/** What may stand in onhand.yaml, with every default. */
export const fileSettings = group({
  inventory_sync: inventorySync,
  server: group({
    port: wholeNumber(0, 65_535).default(3000),
    host: text('a host name or an IP address', /^\S+$/).default('127.0.0.1'),
    body_limit_kb: wholeNumber(1, 1_048_576).default(1024),
    rate_limit_rps: number(0, 1_000_000).default(100),
    rate_limit_burst: wholeNumber(1, 10_000_000).default(200),
    concurrency_api: wholeNumber(1, 10_000).default(16),
    concurrency_sync: wholeNumber(1, 10_000).default(4),
    load_shed_queue_max: wholeNumber(1, 10_000_000).default(1000),
    breaker_threshold: number(0.01, 1).default(0.5),
    breaker_cooldown_ms: milliseconds(1).default(30_000),
    shutdown_timeout_ms: milliseconds().default(10_000),
  }),
  ledger: group({ snapshot_every_n_events: wholeNumber(1, 1_000_000).default(100) }),
  locks: group({
    enabled: yesOrNo().default(false),
    ttl_ms: milliseconds(1).default(2000),
    renew_ms: milliseconds(1).default(1000),
    reject_status: wholeNumber(400, 599).default(503),
    retry_after_ms: milliseconds().default(300),
  }),
  log: group({ level: oneOf(logLevels).default('info') }),
  // Without a default here: it depends on NODE_ENV.
  channels: group({ allow_private_addresses: yesOrNo().optional() }),
});

const failpointError = `with NODE_ENV=test, and only then, name:pass, as ${failpoints[0]}:1`;

/** What only the environment says: secrets, and where this process finds its things. */
export const processSettings = z
  .object({
    DATABASE_URL: text(
      'postgres://user:password@host:port/database',
      /^postgres(ql)?:\/\/\S+$/,
    ).optional(),
    DATA_DIR: z.string().default('.onhand'),
    EMBEDDED_POSTGRES_PORT: wholeNumber(1, 65_535).optional(),
    ADMIN_API_KEY: text(
      '1 to 255 visible ASCII characters without spaces',
      /^[!-~]{1,255}$/,
    ).optional(),
    ENCRYPTION_KEY: z
      .string()
      .refine((key) => parseEncryptionKey(key) !== undefined, {
        error: '32 bytes as 64 hexadecimal digits or as base64',
      })
      .optional(),
    NODE_ENV: oneOf(environments).default('development'),
    ONHAND_FAILPOINT: z
      .string()
      .refine((given) => parseFailpoint(given) !== undefined, { error: failpointError })
      .transform(parseFailpoint)
      .optional(),
  })
  // It kills the process: nobody shall arm it who does not say that this is a test.
  .refine(
    ({ NODE_ENV, ONHAND_FAILPOINT }) => ONHAND_FAILPOINT === undefined || NODE_ENV === 'test',
    {
      path: ['ONHAND_FAILPOINT'],
      error: failpointError,
    },
  );

/** How the text of an environment variable becomes a value of the file's settings. */
export type EnvironmentSetting = {
  readonly name: string;
  /** The key of the file that it overrules. */
  readonly path: readonly [string, ...string[]];
  readonly form: 'text' | 'number' | 'boolean' | 'milliseconds as seconds';
};

function overrule(
  name: string,
  path: string,
  form: EnvironmentSetting['form'] = 'number',
): EnvironmentSetting {
  const [first = '', ...rest] = path.split('.');
  return { name, path: [first, ...rest], form };
}

/** Every environment variable that wins over a key of the file. */
export const environmentSettings: readonly EnvironmentSetting[] = [
  overrule('IDEMP_TTL_MS', 'inventory_sync.idempotency.ttl_seconds', 'milliseconds as seconds'),
  overrule('RETRY_BASE_MS', 'inventory_sync.propagation.backoff_base_ms'),
  overrule('RETRY_TIMES', 'inventory_sync.propagation.max_attempts'),
  overrule('PORT', 'server.port'),
  overrule('HOST', 'server.host', 'text'),
  overrule('RATE_LIMIT_RPS', 'server.rate_limit_rps'),
  overrule('RATE_LIMIT_BURST', 'server.rate_limit_burst'),
  overrule('CONCURRENCY_API', 'server.concurrency_api'),
  overrule('CONCURRENCY_SYNC', 'server.concurrency_sync'),
  overrule('LOAD_SHED_QUEUE_MAX', 'server.load_shed_queue_max'),
  overrule('BREAKER_THRESHOLD', 'server.breaker_threshold'),
  overrule('BREAKER_COOLDOWN_MS', 'server.breaker_cooldown_ms'),
  overrule('SNAPSHOT_EVERY_N_EVENTS', 'ledger.snapshot_every_n_events'),
  overrule('LOCKS_ENABLED', 'locks.enabled', 'boolean'),
  overrule('LOCK_TTL_MS', 'locks.ttl_ms'),
  overrule('LOCK_RENEW_MS', 'locks.renew_ms'),
  overrule('LOCK_REJECT_STATUS', 'locks.reject_status'),
  overrule('LOCK_RETRY_AFTER_MS', 'locks.retry_after_ms'),
  overrule('LOG_LEVEL', 'log.level', 'text'),
];

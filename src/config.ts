import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { UsageError } from './errors.ts';
import type { Failpoint } from './failpoint.ts';
import {
  environmentSettings,
  fileSettings,
  processSettings,
  type EnvironmentSetting,
} from './settings.ts';
import { changedWithoutEffect } from './settings-without-effect.ts';

type CamelCase<Key extends string> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Key;

type Camelized<T> = T extends readonly (infer Item)[]
  ? readonly Camelized<Item>[]
  : T extends object
    ? { readonly [Key in keyof T as CamelCase<Key & string>]: Camelized<T[Key]> }
    : T;

type FileSettings = Camelized<z.infer<typeof fileSettings>>;

/** Every setting, validated and frozen. Names are those of onhand.yaml in camelCase. */
export type Config = Omit<FileSettings, 'server' | 'channels'> & {
  readonly server: FileSettings['server'] & {
    /** Nobody asked for this limit: the admin key is spared. An explicit one counts for all. */
    readonly rateLimitIsDefault: boolean;
  };
  /** Whether channels may be at private addresses: by default not in production. */
  readonly channels: { readonly allowPrivateAddresses: boolean };
  /** Without `url`: the embedded Postgres. */
  readonly database: { readonly url?: string };
  /** Absolute. */
  readonly dataDir: string;
  /** Absent: any free port. */
  readonly embeddedPostgresPort?: number;
  readonly adminApiKey?: string;
  readonly encryptionKey?: string;
  readonly environment: 'development' | 'test' | 'production';
  /** Where a test wants this process to die. */
  readonly failpoint?: Failpoint;
  /** What was set, by its place in the file, and does nothing yet. */
  readonly withoutEffect: readonly string[];
};

type Tree = { [key: string]: unknown };
type Environment = { readonly [name: string]: string | undefined };
type Problem = { readonly path: string; readonly found: string; readonly allowed: string };

/** Settings whose value is a secret, by the last part of their name: never shown. */
const secret = /(key|secret|url|password|token)$/i;

/**
 * Reads onhand.yaml (or the file ONHAND_CONFIG names) and the environment, which wins. A variable
 * set to nothing counts as not set. Throws a UsageError that lists every problem at once.
 */
export function loadConfig(options: { env?: Environment; cwd?: string } = {}): Config {
  const cwd = options.cwd ?? process.cwd();
  const env = withoutEmpty(options.env ?? process.env);
  const file = readSettingsFile(env['ONHAND_CONFIG'], cwd);
  const overrules = overrulesOf(env);
  const ownOfProcess = processSettings.safeParse(numbersIn(env), { reportInput: true });
  const problems = [
    ...problemsOf(fileSettings.safeParse(file, { reportInput: true }).error),
    ...problemsOf(fileSettings.safeParse(overrules, { reportInput: true }).error, env),
    ...problemsOf(ownOfProcess.error, env),
  ];
  if (problems.length > 0 || !ownOfProcess.success) throw unusable(problems);

  const given = merge(file, overrules);
  const parsed = fileSettings.parse(given);
  // Camelized is what camelize does, in types.
  const settings = camelize(parsed) as FileSettings;
  const own = ownOfProcess.data;
  const config: Config = {
    ...settings,
    server: { ...settings.server, rateLimitIsDefault: !has(given, 'server', 'rate_limit_rps') },
    channels: {
      allowPrivateAddresses:
        settings.channels.allowPrivateAddresses ?? own.NODE_ENV !== 'production',
    },
    database: own.DATABASE_URL === undefined ? {} : { url: own.DATABASE_URL },
    dataDir: resolve(cwd, own.DATA_DIR),
    withoutEffect: changedWithoutEffect(parsed, fileSettings.parse({})),
    environment: own.NODE_ENV,
    ...(own.EMBEDDED_POSTGRES_PORT === undefined
      ? {}
      : { embeddedPostgresPort: own.EMBEDDED_POSTGRES_PORT }),
    ...(own.ADMIN_API_KEY === undefined ? {} : { adminApiKey: own.ADMIN_API_KEY }),
    ...(own.ENCRYPTION_KEY === undefined ? {} : { encryptionKey: own.ENCRYPTION_KEY }),
    ...(own.ONHAND_FAILPOINT === undefined ? {} : { failpoint: own.ONHAND_FAILPOINT }),
  };
  return freeze(config);
}

function readSettingsFile(named: string | undefined, cwd: string): unknown {
  const path = resolve(cwd, named ?? 'onhand.yaml');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing && named === undefined) return {};
    const found = `${path}, ${missing ? 'which is not there' : 'which cannot be read'}`;
    const place = named === undefined ? 'onhand.yaml' : 'ONHAND_CONFIG';
    throw unusable([{ path: place, found, allowed: 'the path of a readable YAML file' }], error);
  }
  return parseSettings(text, path);
}

function parseSettings(text: string, path: string): unknown {
  const document = parseDocument(text);
  try {
    // toJS finds what the parser cannot: an alias to nothing, or far too many of them.
    if (document.errors.length === 0) return document.toJS() ?? {};
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw unusable([{ path, found, allowed: 'YAML 1.2' }], error);
  }
  throw unusable(
    document.errors.map(({ message }) => {
      // Only the first line says what and where; the rest repeats the file, secrets included.
      const found = (message.split('\n', 1)[0] ?? message).replace(/:$/, '');
      return { path, found, allowed: 'YAML 1.2' };
    }),
  );
}

function withoutEmpty(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
}

/** The environment's settings in the shape of the file. */
function overrulesOf(env: Environment): Tree {
  let tree: Tree = {};
  for (const { name, path, form } of environmentSettings) {
    const text = env[name];
    if (text !== undefined) tree = merge(tree, nest(path, valueOf(text, form)));
  }
  return tree;
}

function nest([key = '', ...rest]: readonly string[], value: unknown): Tree {
  return { [key]: rest.length === 0 ? value : nest(rest, value) };
}

/** The value a variable's text stands for, or the text itself, which validation then refuses. */
function valueOf(text: string, form: EnvironmentSetting['form']): unknown {
  if (form === 'text') return text;
  if (form === 'boolean') return { true: true, '1': true, false: false, '0': false }[text] ?? text;
  if (!/^-?\d+(\.\d+)?$/.test(text)) return text;
  return form === 'number' ? Number(text) : Number(text) / 1000;
}

function numbersIn(env: Environment): Tree {
  const port = env['EMBEDDED_POSTGRES_PORT'];
  return port === undefined ? env : { ...env, EMBEDDED_POSTGRES_PORT: valueOf(port, 'number') };
}

function problemsOf(error: z.ZodError | undefined, env?: Environment): Problem[] {
  return (error?.issues ?? []).flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...path, key].join('.'),
        found: 'an unknown key',
        allowed: issue.message,
      }));
    }
    const variable = env === undefined ? undefined : variableAt(path);
    const name = variable?.name ?? path.join('.');
    const input = env === undefined ? issue.input : env[name];
    return [
      { path: name, found: shown(name, input), allowed: allowedFor(variable, issue.message) },
    ];
  });
}

function variableAt(path: readonly string[]): EnvironmentSetting | undefined {
  return environmentSettings.find((setting) => setting.path.join('.') === path.join('.'));
}

function allowedFor(variable: EnvironmentSetting | undefined, message: string): string {
  // The file's bounds, in the variable's unit.
  if (variable?.form !== 'milliseconds as seconds') return message;
  const inMs = message.replaceAll(/\d+(\.\d+)?/g, (number) => String(Number(number) * 1000));
  return `${inMs} (milliseconds)`;
}

function shown(name: string, value: unknown): string {
  if (value === undefined) return 'nothing';
  if (secret.test(name)) return 'a value that is not shown';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function unusable(problems: readonly Problem[], cause?: unknown): UsageError {
  const lines = problems.map(
    ({ path, found, allowed }) => `  ${path || 'onhand.yaml'}: found ${found}; allowed: ${allowed}`,
  );
  return new UsageError(
    ['The settings cannot be used:', ...lines].join('\n'),
    cause === undefined ? {} : { cause },
  );
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(below: unknown, above: Tree): Tree {
  const merged: Tree = isTree(below) ? { ...below } : {};
  for (const [key, value] of Object.entries(above)) {
    merged[key] = isTree(value) ? merge(merged[key], value) : value;
  }
  return merged;
}

function has(tree: Tree, group: string, key: string): boolean {
  const settings = tree[group];
  return isTree(settings) && settings[key] !== undefined;
}

function camelize(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelize);
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
      camelize(inner),
    ]),
  );
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(freeze);
    Object.freeze(value);
  }
  return value;
}

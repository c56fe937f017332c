import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  inCode,
  inText,
  lengthOf,
  nameProblems,
  sizeProblems,
  testProblems,
} from './support/tidy/file-rules.ts';
import { importProblems, type ImportRules } from './support/tidy/import-rules.ts';
import { unreachable } from './support/tidy/reachability.ts';
import { codeIn, listed, readFiles } from './support/tidy/source-tree.ts';
import {
  ownerProblems,
  tableProblems,
  unusedTableExceptions,
  type TableRules,
} from './support/tidy/table-rules.ts';

// The rules of the house, checked. Each message says where, what was found, and why it is a rule.
// That the rules find what breaks them is tested in tidy-rules.test.ts.

const writing = ['stock', 'reservations', 'safety-stock'];
const useCases = [...writing, 'outbox', 'idempotency', 'channels', 'sources', 'inbox'];
const later = ['reconciliation', 'carriers', 'insight'];
const workers = ['db', 'merchants', ...useCases, ...later, 'monitoring'];
const faces = [...workers, 'replay', 'jobs', 'listen', 'http', 'console', 'cli'];

/** Who may import whom (architecture §6). All may import leaves: the files of src itself. */
const imports: ImportRules = {
  modules: {
    db: [],
    merchants: ['db'],
    idempotency: ['db'],
    outbox: ['db'],
    stock: ['db', 'outbox', 'idempotency'],
    reservations: ['db', 'stock'],
    'safety-stock': ['db', 'stock'],
    channels: ['db', 'outbox', 'stock'],
    sources: ['db', 'stock'],
    inbox: ['db', 'stock', 'channels'],
    reconciliation: ['db', 'stock', 'channels', 'sources'],
    carriers: ['db', 'stock', 'channels'],
    insight: ['db', 'stock', 'channels'],
    monitoring: ['db'],
    listen: [],
    replay: ['db', 'idempotency', 'stock', 'reservations'],
    jobs: workers,
    http: faces,
    console: faces,
    cli: [...faces, 'app', 'core'],
    core: faces,
    app: faces,
    main: faces,
  },
  wiring: { core: [], app: ['core'], main: ['core', 'app'] },
  readers: ['monitoring'],
  ports: { channels: 'src/channels/adapter.ts', sources: 'src/sources/source.ts' },
  packages: [
    {
      name: /^hono$|^hono\/|^@hono\//,
      within: ['src/http/', 'src/console/'],
      why: 'the rest of the program does not know how it is asked',
    },
    {
      name: /^pg-boss$|^pg-boss\//,
      within: ['src/jobs/'],
      why: 'use cases run the same with and without a queue',
    },
    {
      name: /^@pg-boss\/dashboard/,
      within: ['src/jobs/', 'src/http/admin-queues'],
      why: 'the page of the queues is shown in one place',
    },
    {
      name: /^(?:node:)?process$/,
      within: ['src/config.ts'],
      why: 'settings have one reader, which validates them',
    },
    {
      name: /^(?:vitest|fast-check|standardwebhooks|@testcontainers\/|oxlint|typescript)/,
      within: ['test/'],
      why: 'production installs no development dependencies',
    },
  ],
  exceptions: [
    {
      from: 'src/listen/webhook-listener.ts',
      to: 'src/channels/webhook/signature.ts',
      reason: 'the receiver checks what the sender signs; it needs nothing else of the channels',
    },
  ],
};

/** Who owns which table. What must change together with stock is written by functions in sql/. */
const tables: TableRules = {
  owners: {
    merchants: ['merchant', 'api_key'],
    stock: [
      'stock_level',
      'ledger_entry',
      'ledger_entry_other',
      'ledger_archive',
      'ledger_opening',
      'ledger_opening_order',
      'location',
      'stock_snapshot',
      'stock_count',
    ],
    idempotency: ['idempotency_key'],
    reservations: ['reservation', 'reservation_line'],
    outbox: ['outbox_message'],
    'safety-stock': ['safety_buffer', 'safety_category', 'safety_demand', 'safety_run'],
    channels: [
      'channel',
      'channel_state',
      'listing',
      'listing_request',
      'revision_budget',
      'stored_call',
      'accepted_operation',
      'delivery',
      'delivery_attempt',
    ],
    reconciliation: ['drift', 'reconciliation', 'reconciliation_part', 'reconciliation_suspect'],
    replay: ['replay_order'],
    inbox: ['inbox_webhook', 'inbound_order', 'inbound_line'],
    sources: [
      'source',
      'source_ownership',
      'source_schedule',
      'source_figure',
      'source_movement',
      'source_held_item',
      'source_quarantine',
      'source_fall',
      'source_run',
    ],
  },
  exceptions: [
    {
      from: 'src/stock/read-batch.ts',
      table: 'idempotency_key',
      reason: 'levels and idempotency records of a batch are read in one round trip',
    },
  ],
};

const root = join(import.meta.dirname, '..');
const files = readFiles(root);
const source = codeIn(files, 'src');
const code = codeIn(files, 'src', 'test', 'emulators', 'demo', 'migrations', 'bench');

test('imports follow the rules of who may import whom', () => {
  expect(listed(importProblems(files, imports))).toBe('');
});

test('a module names no tables but its own', () => {
  expect(listed(tableProblems(files, tables))).toBe('');
  expect(listed(unusedTableExceptions(files, tables))).toBe('');
});

test('every table has an owner', () => {
  expect(listed(ownerProblems(files, tables))).toBe('');
});

test('only config.ts reads the environment', () => {
  const rule = 'Only src/config.ts may: settings have one reader, which validates them';
  const others = source.filter((path) => path !== 'src/config.ts');
  const direct = /\bprocess\s*(?:\?\.|\.)\s*env\b|\bprocess\s*\[|\bimport\.meta\.env\b/g;
  expect(listed(inCode(files, others, direct, rule))).toBe('');
  const byAnotherName = /=\s*(?:globalThis\s*\.\s*)?process\s*[;,]/g;
  expect(listed(inCode(files, others, byAnotherName, rule))).toBe('');
});

test('exports have names', () => {
  const rule = 'A name that the exporter gives is the same everywhere and can be searched for';
  const anonymous = /\bexport\s+default\b|\bas\s+default\b/g;
  expect(listed(inCode(files, code, anonymous, rule))).toBe('');
});

test('source logs through the logger and writes to no console', () => {
  const rule = 'Log lines are JSON without secrets, and output for people goes to a stream';
  expect(listed(inCode(files, source, /\bconsole\s*\.\s*\w+/g, rule))).toBe('');
});

test('files and folders are named after what they hold', () => {
  expect(listed(nameProblems(files))).toBe('');
});

test('files are short and lines are narrow', () => {
  const lengths = source.map((path) => lengthOf(files, path)).toSorted((a, b) => a - b);
  const median = lengths[Math.floor(lengths.length / 2)] ?? 0;
  // A measure to watch, not a rule: sixty lines are meant.
  process.stdout.write(`tidy: median file of src: ${median} lines (meant: at most 60)\n`);
  expect(listed(sizeProblems(files, code))).toBe('');
});

test('the whole program is wired on few lines', () => {
  const wiring = ['src/main.ts', 'src/app.ts'].filter((path) => files.has(path));
  const lines = wiring.reduce((sum, path) => sum + lengthOf(files, path), 0);
  expect(lines, 'src/main.ts and src/app.ts together: at most 250 lines').toBeLessThanOrEqual(250);
});

// Without its entrance every file would be dead.
test.skipIf(!files.has('src/main.ts'))('every file of src is used by the program', () => {
  const roots = ['src/main.ts', 'kysely.config.ts', ...codeIn(files, 'migrations')];
  expect(listed(unreachable(files, 'src', roots))).toBe('');
});

test('every file of the demonstration is used by it', () => {
  expect(listed(unreachable(files, 'demo', ['demo/main.ts']))).toBe('');
});

test('every file beside the tests is used by a test', () => {
  const isRoot = /\.test\.ts$|^vitest\.config\.ts$|^bench\/|^emulators\//;
  const roots = [...files.keys()].filter((path) => isRoot.test(path));
  expect(listed(unreachable(files, 'test', roots))).toBe('');
});

test('each test has its own name and can fail', () => {
  expect(listed(testProblems(files))).toBe('');
});

test('no file speaks of the machine it was written on', () => {
  const rule = 'Documents and code speak of the project alone: the path exists nowhere else';
  const anywhere = /(?<![\w.:}/-])\/(?:work|root)\//g;
  expect(listed(inText(files, [...files.keys()], anywhere, rule))).toBe('');
  const documents = [...files.keys()].filter((path) => path.endsWith('.md'));
  expect(listed(inText(files, documents, /(?<![\w.:}/-])\/tmp\//g, rule))).toBe('');
});

test('no file names a package registry', () => {
  const rule = 'Which registry packages come from is a setting of whoever installs them';
  const registry = /registry\.npmjs\.org/g;
  expect(listed(inText(files, [...files.keys()], registry, rule))).toBe('');
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  expect(lock).not.toMatch(/"resolved":\s*"https?:/);
});

test('every dependency is pinned to one version', () => {
  const manifest: Record<string, unknown> = JSON.parse(files.get('package.json') ?? '{}');
  const groups = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides'];
  const versions = groups.flatMap((group) => Object.entries(manifest[group] ?? {}));
  const loose = versions.filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version));
  expect(versions.length).toBeGreaterThan(0);
  expect(loose, 'a range installs something else tomorrow').toEqual([]);
});

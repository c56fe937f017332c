import { expect, test } from 'vitest';
import {
  inCode,
  inText,
  nameProblems,
  sizeProblems,
  testProblems,
} from './support/tidy/file-rules.ts';
import { importProblems, type ImportRules } from './support/tidy/import-rules.ts';
import { unreachable } from './support/tidy/reachability.ts';
import { importsOf, readSource } from './support/tidy/source-text.ts';
import { listed, type Files } from './support/tidy/source-tree.ts';
import { ownerProblems, tableProblems, unusedTableExceptions } from './support/tidy/table-rules.ts';

// The tidy test is only worth its rules: here each is broken once and has to be found.

const rules: ImportRules = {
  modules: {
    db: [],
    stock: ['db'],
    channels: ['stock'],
    http: ['stock', 'db'],
    monitoring: ['db'],
  },
  wiring: { app: [], main: ['app'] },
  readers: ['monitoring'],
  ports: { channels: 'src/channels/adapter.ts' },
  packages: [{ name: /^hono$/, within: ['src/http/'], why: 'reasons' }],
  exceptions: [],
};

const tableRules = {
  owners: { stock: ['stock_level', 'location'], outbox: ['outbox_message'] },
  exceptions: [],
};

function tree(files: Record<string, string>): Files {
  return new Map(Object.entries(files));
}

function importing(path: string, line: string, more: Partial<ImportRules> = {}): string {
  return listed(importProblems(tree({ [path]: line }), { ...rules, ...more }));
}

test.each([
  ["import { a, b } from 'x';", ['x'], false],
  ["import a, {\n  b,\n} from 'x';", ['x'], false],
  ["import * as a from 'x';", ['x'], false],
  ["import type { A } from 'x';", ['x'], true],
  ["import { type A, type B } from 'x';", ['x'], true],
  ["import { type A, b } from 'x';", ['x'], false],
  ["export { a } from 'x';", ['x'], false],
  ["export * from 'x';", ['x'], false],
  ["export type { A } from 'x';", ['x'], true],
  ["import 'x';", ['x'], false],
  ["const a = await import('x');", ['x'], false],
  ["const a = import.meta.resolve('x');", ['x'], false],
  ["// import { a } from 'x';\n/* import 'x'; */", [], false],
  ["const text = `import { a } from 'x';`;", [], false],
  ["export const a = 1;\nconst b = { from: 'x' };", [], false],
  ["const r = /['\"`]/g;\nimport 'x';", ['x'], false],
  ["const t = `${`'${1}'`} //`;\nimport 'x';", ['x'], false],
  ["const half = 4 / 2; // '\nimport 'x';", ['x'], false],
])('the imports of %j are found', (text, specifiers, isType) => {
  const found = importsOf(readSource(text));
  expect(found.map(({ specifier }) => specifier)).toEqual(specifiers);
  expect(found.some((each) => each.isType)).toBe(isType);
});

test.each([
  ['src/stock/a.ts', '../http/index.ts', 'stock may import db'],
  ['src/db/a.ts', '../stock/index.ts', 'db may import no module'],
  ['src/http/a.ts', '../stock/decide.ts', 'other modules use src/stock/index.ts'],
  ['src/http/routes/a.ts', '../../stock/sub/index.ts', 'other modules use src/stock/index.ts'],
  ['src/app.ts', './main.ts', 'the composition root knows the modules'],
  ['src/app.ts', './stock/decide.ts', 'other modules use src/stock/index.ts'],
  ['src/errors.ts', './app.ts', 'a leaf imports only leaves'],
  ['src/errors.ts', './stock/index.ts', 'a leaf imports only leaves'],
  ['src/stock/a.ts', '../../test/support/app.ts', 'src imports nothing of ours but src'],
  ['src/stock/a.ts', '../app.ts', 'the composition root knows the modules'],
  ['src/channels/shopify/a.ts', '../deliver.ts', 'an adapter imports its port'],
  ['src/channels/shopify/a.ts', '../amazon/a.ts', 'an adapter imports its port'],
  ['src/channels/shopify/a.ts', '../../stock/index.ts', 'an adapter imports its port'],
  ['src/novel/a.ts', '../stock/index.ts', 'the module novel is not in the map'],
  ['src/stock/a.ts', 'hono', 'Only src/http/ may: reasons'],
])('%s may not import %s', (path, specifier, why) => {
  expect(importing(path, `\nimport { a } from '${specifier}';`)).toMatch(
    new RegExp(`^${path}:2 imports '${specifier}'\\. .*${why}`),
  );
  expect(importing(path, `export type { A } from '${specifier}';`)).toContain(why);
});

test.each([
  ['src/stock/a.ts', '../db/index.ts'],
  ['src/stock/a.ts', './decide.ts'],
  ['src/stock/a.ts', '../errors.ts'],
  ['src/errors.ts', './clock.ts'],
  ['src/app.ts', './clock.ts'],
  ['src/main.ts', './app.ts'],
  ['src/channels/deliver.ts', './shopify/index.ts'],
  ['src/channels/shopify/a.ts', '../adapter.ts'],
  ['src/channels/shopify/a.ts', './b.ts'],
  ['src/http/a.ts', 'hono'],
  ['src/stock/a.ts', 'zod'],
])('%s may import %s', (path, specifier) => {
  expect(importing(path, `import { a } from '${specifier}';`)).toBe('');
});

test('a reader may import types of any module, and nothing that runs', () => {
  const path = 'src/monitoring/a.ts';
  expect(importing(path, "import type { A } from '../stock/index.ts';")).toBe('');
  expect(importing(path, "import { a } from '../stock/index.ts';")).toContain('may import db');
});

test('an exception lets one import pass, and has to go when nobody needs it', () => {
  const exception = { from: 'src/stock/a.ts', to: 'src/http/b.ts', reason: 'because' };
  const exceptions = [exception];
  const allowed = importing('src/stock/a.ts', "import { a } from '../http/b.ts';", { exceptions });
  expect(allowed).toBe('');
  expect(importing('src/stock/a.ts', '', { exceptions })).toContain('does not import src/http/b');
});

test('a cycle of modules is found though each import alone is allowed', () => {
  const modules = { a: ['b'], b: ['c'], c: ['a'] };
  const files = tree({
    'src/a/index.ts': "import { b } from '../b/index.ts';",
    'src/b/index.ts': "import { c } from '../c/index.ts';",
    'src/c/index.ts': "import type { A } from '../a/index.ts';",
  });
  expect(listed(importProblems(files, { ...rules, modules }))).toMatch(
    /^src\/c\/index\.ts:1 closes the cycle a → b → c → a\. /,
  );
});

test.each([
  ['const q = sql`\n  select 1 from stock_level s`;', 2],
  ["const q = 'select 1 from outbox_message join location l on true';", 1],
  ["db.selectFrom('stock_level as s');", 1],
  ["db.selectFrom('outbox_message').innerJoin('stock_level', 'a', 'b');", 1],
  ["db.insertInto('stock_level');", 1],
  ['client.query(`update stock_level set version = 1`);', 1],
  ["client.query('insert into public.stock_level values (1)');", 1],
  ['const part = sql`join stock_level s on s.sku = ${sku}`;', 1],
])('another module may not run %j', (text, line) => {
  const found = (path: string) => listed(tableProblems(tree({ [path]: text }), tableRules));
  expect(found('src/outbox/queries.ts')).toMatch(
    new RegExp(`^src/outbox/queries.ts:${line} names the table (stock_level|location)`),
  );
  expect(found('src/stock/queries.ts')).not.toContain('stock_level');
});

test.each([
  "refuse('X', `cannot move from location ${id}`);",
  "const summary = 'Create or update location settings';",
  '// select 1 from stock_level',
  'const q = sql`select 1 from audit.location -- from stock_level`;',
])('%s names no table', (text) => {
  expect(listed(tableProblems(tree({ 'src/outbox/a.ts': text }), tableRules))).toBe('');
});

test('a table exception counts for one file, and has to go when nobody needs it', () => {
  const exceptions = [{ from: 'src/outbox/a.ts', table: 'location', reason: 'because' }];
  const files = tree({ 'src/outbox/a.ts': '', 'src/outbox/b.ts': 'sql`select from location`;' });
  const found = tableProblems(files, { ...tableRules, exceptions });
  expect(found.map(({ path }) => path)).toEqual(['src/outbox/b.ts']);
  expect(unusedTableExceptions(files, { ...tableRules, exceptions })).toHaveLength(1);
});

test('a table that nobody owns is found in migrations and in SQL', () => {
  const files = tree({
    'migrations/0001_a.ts': 'sql`create table if not exists stray (id int)`;',
    'sql/functions/a.sql': '-- create table noted\n\ncreate unlogged table lost (id int);',
    'migrations/0002_b.ts': 'sql`create table stock_level (id int)`;',
  });
  const found = listed(ownerProblems(files, tableRules)).split('\n');
  expect(found).toHaveLength(2);
  expect(found[0]).toMatch(/^migrations\/0001_a\.ts:1 creates stray, which nobody owns/);
  expect(found[1]).toMatch(/^sql\/functions\/a\.sql:3 creates lost/);
});

test('a file that nothing leads to is dead, however it is led to', () => {
  const files = tree({
    'src/main.ts': "import './a.ts';\nnew Worker(new URL('./worker.ts', import.meta.url));",
    'src/a.ts': "export * from './b.ts';",
    'src/b.ts': '',
    'src/worker.ts': '',
    'src/dead.ts': "import './deader.ts';",
    'src/deader.ts': '',
  });
  const dead = unreachable(files, 'src', ['src/main.ts', 'not-there.ts']);
  expect(dead.map(({ path }) => path)).toEqual(['src/dead.ts', 'src/deader.ts']);
});

test('a pattern is found in code and not in comments and strings', () => {
  const text = "// process.env\nconst a = 'process.env';\nprocess.env.PORT;\n";
  const files = tree({ 'src/a.ts': text });
  expect(listed(inCode(files, ['src/a.ts'], /process\.env/g, 'Why'))).toBe(
    "src/a.ts:3 has 'process.env'. Why",
  );
  expect(inText(files, ['src/a.ts'], /process\.env/g, 'Why')).toHaveLength(3);
});

test('files of more than 350 lines and lines of more than 100 characters are found', () => {
  const files = tree({
    'long.ts': 'a;\n'.repeat(351),
    'wide.ts': `\n${'ü'.repeat(101)}`,
    'fits.ts': `${'🔑'.repeat(100)}\n`.repeat(350),
  });
  expect(listed(sizeProblems(files, [...files.keys()]))).toMatch(
    /^long\.ts:351 has 351 lines\. .*\nwide\.ts:2 has 101 characters\. [^\n]*$/,
  );
});

test('drawers and names in another case are found', () => {
  const odd = ['src/utils.ts', 'src/common/a.ts', 'src/a/types.ts', 'test/support/helpers/a.ts'];
  const fine = ['src/stock/decide.ts', 'test/stock/decide.test.ts', 'migrations/0001_stock.ts'];
  const cased = ['src/stock/writeBatch.ts', 'src/Stock/a.ts', 'src/a_b.ts'];
  const files = tree(Object.fromEntries([...odd, ...fine, ...cased].map((path) => [path, ''])));
  expect(nameProblems(files).map(({ path }) => path)).toEqual([...odd, ...cased]);
});

test('tests of one name and test files without an assertion are found', () => {
  const files = tree({
    'test/a.test.ts': [
      "test('one', () => expect(1));",
      "test.skipIf(x)('three', () => {});",
      "it.only('one', () => {});",
      "test.each<[string, (a: B) => C]>([['one', (b) => c(b)('x')]])('four', () => {});",
      "test.each(rows)('four', () => {});",
    ].join('\n'),
    'test/b.test.ts': "test('one', () => { a(); }); // expect(a)",
  });
  expect(listed(testProblems(files)).split('\n')).toEqual([
    expect.stringMatching(/^test\/a\.test\.ts:3 repeats 'one'\. /),
    expect.stringMatching(/^test\/a\.test\.ts:5 repeats 'four'\. /),
    expect.stringMatching(/^test\/b\.test\.ts:1 has no assertion\. /),
  ]);
});

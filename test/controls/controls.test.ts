import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { applyChange, namePattern, type Control } from './control.ts';
import { judgeReport } from './judge.ts';
import { controls } from './list/index.ts';
import { root } from './project-copy.ts';
import { runControl } from './run-controls.ts';

// That the controls are red is shown by `npm run test:controls`. Here: that the list does not rot,
// and that what runs it can tell red from green and from broken.

const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

test.each(controls.map((control) => [control.id, control] as const))(
  'the control %s can be applied, and its test is there',
  (_, { changes, test: file, name }) => {
    const texts = new Map<string, string>();
    for (const change of changes) {
      const text = texts.get(change.file) ?? textOf(change.file);
      texts.set(change.file, applyChange(text, change));
    }
    // As it stands in the source, between quotes of any kind.
    const written = [`'${name}'`, `"${name}"`, `\`${name}\``];
    expect(written.filter((literal) => textOf(file).includes(literal))).toHaveLength(1);
  },
);

test('each control has an id of its own, and the program lists them', () => {
  expect(new Set(controls.map(({ id }) => id)).size).toBe(controls.length);
  const program = join(import.meta.dirname, 'main.ts');
  const listed = execFileSync(process.execPath, [program, '--list'], { encoding: 'utf8' });
  expect(listed.trim().split('\n')).toHaveLength(controls.length);
});

test.each([
  ['a plain name', 'a plain name', true],
  ['a plain name', 'of a group a plain name', true],
  ['a plain name', 'a plain name and more', false],
  ['a plain name', 'not quite a plain name?', false],
  ['one %s of %i', 'group one (x) of 3', true],
  ['one $what.name', 'one thing', true],
  ['what is (odd)? a+b', 'what is (odd)? a+b', true],
  ['what is (odd)? a+b', 'what is odd aab', false],
])('the name %o is that of %o: %s', (name, fullName, expected) => {
  expect(namePattern(name).test(fullName)).toBe(expected);
});

const reportOf = (status: string, failure?: string, message = '') => ({
  testResults: [
    {
      name: '/somewhere/test/a.test.ts',
      message,
      assertionResults:
        status === ''
          ? []
          : [{ fullName: 'a', status, failureMessages: failure === undefined ? [] : [failure] }],
    },
  ],
});

test.each([
  ['red', reportOf('failed', 'AssertionError: expected 1 to be 2\n    at …')],
  ['red', reportOf('failed', 'WaitedInVain: waited 10000 ms in vain: it')],
  ['red', reportOf('failed', 'BrokenPromise: GET / → 500')],
  ['green', reportOf('passed')],
  ['broken', reportOf('failed', 'TypeError: x is not a function')],
  ['broken', reportOf('failed', 'Error: Test timed out in 60000ms.')],
  ['broken', reportOf('skipped')],
  ['broken', reportOf('', undefined, 'SyntaxError: Unexpected token')],
  ['broken', undefined],
])('a control is %s by its report, case %#', (kind, report) => {
  expect(judgeReport(report, 'test/a.test.ts', 'a').kind).toBe(kind);
});

const decide = 'src/stock/decide.ts';
const before = 'if (after < 0) return insufficient(level[quantity], -delta, level);';

test.each<[string, string, RegExp]>([
  ['red', '', /^AssertionError/],
  ['green', `${before} // nothing else`, /passed all the same/],
  ['broken', `${before} )`, /./],
  ['broken', `nowhere(); ${before}`, /^ReferenceError/],
])('a control comes out %s when its change is "%s"', async (kind, after, detail) => {
  const control: Control = {
    id: 'tried',
    promise: 'No quantity falls below zero.',
    changes: [{ file: decide, before, after }],
    test: 'test/stock/decide.test.ts',
    name: 'adjust case %#: %o %s %i %s -> %s',
  };
  const { signal } = new AbortController();
  const { adminUrl: databaseUrl } = inject('testDatabases');
  const result = await runControl(control, { databaseUrl, timeoutMs: 150_000, signal });
  expect(result).toMatchObject({ kind, detail: expect.stringMatching(detail) as string });
});

test('a control whose text is not there, or there twice, is broken', () => {
  const change = { file: 'a.ts', before: 'x', after: 'y' };
  expect(applyChange('a x b', change)).toBe('a y b');
  expect(() => applyChange('a b', change)).toThrow('0 times');
  expect(() => applyChange('x x', change)).toThrow('2 times');
});

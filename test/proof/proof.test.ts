import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseProofOptions, partNames, usage } from './options.ts';
import { updatePage } from './page.ts';
import { commandOf } from './parts.ts';
import { isProven, totalsOf, type PartResult, type Proof } from './proof.ts';

const root = new URL('../../', import.meta.url);

function part(figures: PartResult['reports'][number]['figures'], more: Partial<PartResult> = {}) {
  const reports = [{ name: 'a run', figures }];
  return { part: 'history', passed: true, seconds: 1, reports, ...more } as const;
}

const clean = { requests: 10, lost: 0, oversold: 0, doubled: 0, unexpected: 0, versions: 7 };
const controls = { controls: 3, red: 3, green: 0, broken: 0 };

test('figures of all parts are added up, and the longest recovery is kept', () => {
  const parts = [
    part({ ...clean, duplicates: 2, faults: 1, recoverySeconds: 1.5 }),
    part({ ...clean, duplicates: 3, faults: 4, recoverySeconds: 0.5 }),
    part({ steps: 5, seed: 99 }),
    part(controls),
  ];
  expect(totalsOf(parts)).toMatchObject({
    operations: 25,
    versions: 14,
    duplicates: 5,
    faults: 5,
    longestRecoverySeconds: 1.5,
    controls: 3,
    redControls: 3,
  });
});

test.each([
  ['a clean run', [part(clean), part(controls)], true],
  ['a lost change', [part({ ...clean, lost: 1 })], false],
  ['an oversold level', [part({ ...clean, oversold: 1 })], false],
  ['a doubled change', [part({ ...clean, doubled: 1 })], false],
  ['an unexpected entry', [part({ ...clean, unexpected: 1 })], false],
  ['another violation', [part({ ...clean, otherViolations: 1 })], false],
  ['a channel that went back', [part({ ...clean, wentBack: 1 })], false],
  ['a listing that is wrong in the end', [part({ ...clean, wrongAtEnd: 1 })], false],
  ['a control that stays green', [part({ ...controls, red: 2, green: 1 })], false],
  ['a part that failed', [part(clean, { passed: false })], false],
])('%s is a proof: %s', (_, parts, proven) => {
  expect(isProven(parts, totalsOf(parts))).toBe(proven);
});

test('the page keeps its words and gets the figures of the run', async () => {
  const page = await readFile(new URL('docs/proof.md', root), 'utf8');
  const parts = [part({ ...clean, duplicates: 1_234, recoverySeconds: 2.5 }), part(controls)];
  const proof: Proof = {
    startedAt: '2026-01-02T03:04:05.000Z',
    minutes: 31.4,
    seed: 77,
    scale: 'full',
    machine: { commit: 'abc1234', node: 'v24' },
    passed: true,
    totals: totalsOf(parts),
    parts,
  };
  const once = updatePage(page, proof);
  expect(once).toContain('Run on 2026-01-02 at commit abc1234 in 31 minutes, scale full, seed 77.');
  expect(once).toContain('| longest recovery | 2.5 s |');
  expect(once).toContain('1,234');
  expect(once.split('<!-- proof:begin -->')[0]).toBe(page.split('<!-- proof:begin -->')[0]);
  // A second run takes the place of the first.
  expect(updatePage(once, proof)).toBe(once);
  expect(updatePage(once, { ...proof, passed: false })).toContain('**The run failed.**');
});

test('each fault has its line, with the time it took to recover', async () => {
  const page = await readFile(new URL('docs/proof.md', root), 'utf8');
  const figures = { ...clean, unknown: 3, duplicates: 2, faults: 40, recoverySeconds: 2.25 };
  const fault = { name: 'power cut', figures };
  const parts = [part(clean, { part: 'faults', reports: [fault] })];
  const proof = {
    startedAt: '2026-01-02T03:04:05.000Z',
    minutes: 1,
    seed: 7,
    scale: 'full',
  } as const;
  const totals = totalsOf(parts);
  const written = updatePage(page, { ...proof, machine: {}, passed: true, totals, parts });
  expect(written).toContain('| power cut | 40 | 10 | 3 | 0 | 0 | 0 | 0 | 2 | 2.25 |');
  expect(written).toMatch(/^\| fault \|.* seconds to recover \|$/m);
});

test('all parts run when none is named', () => {
  expect(parseProofOptions([]).parts).toEqual(partNames);
  expect(parseProofOptions(['--only', 'history', '--seed', '7'])).toMatchObject({
    parts: ['history'],
    seed: 7,
    scale: { name: 'full' },
  });
});

test.each([
  [['--scale', 'huge'], 'there is no scale huge'],
  [['--only', 'all'], 'there is no part all'],
  [['--seed', 'x'], 'a seed is a whole number'],
  [['--fast'], '--fast'],
])('%s is refused', (args, why) => {
  expect(() => parseProofOptions(args)).toThrow(why);
});

test('each part gets its seed', () => {
  const options = parseProofOptions(['--seed', '4711']);
  for (const name of partNames.filter((one) => one !== 'controls')) {
    expect(Object.values(commandOf(name, options, '').env)).toContain('4711');
  }
});

function helpOf(program: URL): string {
  const args = [fileURLToPath(program), '--help'];
  return execFileSync(process.execPath, args, { encoding: 'utf8' });
}

test('both programs start and say how they are used', () => {
  expect(helpOf(new URL('./main.ts', import.meta.url))).toBe(usage);
  expect(helpOf(new URL('./soak.ts', import.meta.url))).toContain('npm run soak');
});

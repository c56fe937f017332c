import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { startProgress } from '../src/progress.ts';

function written(stream: PassThrough): string {
  return String(stream.read() ?? '');
}

/** Progress without a terminal, on a clock that the test moves. */
function startLines(total?: number) {
  const stream = new PassThrough();
  const time = { ms: 0 };
  const progress = startProgress({
    label: 'import',
    ...(total === undefined ? {} : { total }),
    stream,
    isTerminal: false,
    now: () => time.ms,
  });
  return { progress, time, lines: () => written(stream).split('\n').filter(Boolean) };
}

function startBar(total?: number) {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  const options = { label: 'import', stream, isTerminal: true };
  const progress = startProgress(total === undefined ? options : { ...options, total });
  return { progress, stream };
}

test('without a terminal a total gives a line for each tenth at most, and the last state', () => {
  const { progress, time, lines } = startLines(1000);
  for (let done = 1; done <= 999; done += 1) {
    time.ms += 5000;
    progress.advance();
  }
  progress.stop();
  const shares = [10, 20, 30, 40, 50, 60, 70, 80, 90];
  expect(lines()).toEqual([
    ...shares.map((share) => `import: ${share * 10}/1000 (${share} %)`),
    'import: 999/1000 (99 %)',
  ]);
});

test('without a terminal a second has one line at most, however fast the work is', () => {
  const { progress, time, lines } = startLines(100);
  for (let done = 0; done < 100; done += 1) {
    time.ms += 30;
    progress.advance();
  }
  progress.stop();
  expect(lines()).toEqual([
    'import: 34/100 (34 %)',
    'import: 68/100 (68 %)',
    'import: 100/100 (100 %)',
  ]);
});

test('without a total the lines count and come once a second', () => {
  const { progress, time, lines } = startLines();
  for (let tick = 0; tick < 5; tick += 1) {
    time.ms += 500;
    progress.advance(7);
  }
  progress.stop();
  expect(lines()).toEqual(['import: 14', 'import: 28', 'import: 35']);
});

test('a note is a line of its own at once, and nothing is written after the stop', () => {
  const { progress, lines } = startLines(10);
  progress.note('row 3 refused');
  expect(lines()).toEqual(['row 3 refused']);
  progress.set(10);
  progress.stop();
  progress.stop();
  progress.note('too late');
  progress.advance();
  expect(lines()).toEqual(['import: 10/10 (100 %)']);
});

test('an empty piece of work ends with a line and no division by zero', () => {
  const { progress, lines } = startLines(0);
  progress.stop();
  expect(lines()).toEqual(['import: 0/0']);
});

test('on a terminal a bar shows share and count, notes stay above it, the cursor returns', () => {
  const { progress, stream } = startBar(40);
  progress.set(9);
  progress.advance();
  progress.note('row 3 refused');
  progress.stop();
  progress.note('too late');
  const raw = written(stream);
  const text = stripVTControlCharacters(raw);
  expect(text).toMatch(/import \[=+-+\] 25% \| 10\/40/);
  expect(text).toContain('row 3 refused\n');
  expect(text.lastIndexOf('10/40')).toBeGreaterThan(text.indexOf('row 3 refused'));
  expect(text).not.toContain('too late');
  expect(raw.lastIndexOf('\u001B[?25h')).toBeGreaterThan(raw.lastIndexOf('\u001B[?25l'));
  progress.stop();
  progress.advance();
  expect(written(stream)).toBe('');
});

test('on a terminal without a total the bar only counts', () => {
  const { progress, stream } = startBar();
  progress.advance(12);
  progress.stop();
  const text = stripVTControlCharacters(written(stream));
  expect(text).toContain('import 12 |');
  expect(text).not.toContain('%');
});

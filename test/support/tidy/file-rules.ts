import { codeIn, problemAt, sourceOf, type Files, type Problem } from './source-tree.ts';

/** Each match of a pattern in the code of some files, comments and literals left out. */
export function inCode(
  files: Files,
  paths: readonly string[],
  pattern: RegExp,
  rule: string,
): Problem[] {
  return paths.flatMap((path) =>
    [...sourceOf(files, path).bare.matchAll(pattern)].map((found) =>
      problemAt(files, path, found.index, `has '${found[0].trim()}'`, rule),
    ),
  );
}

/** Each match of a pattern in the whole text of some files. */
export function inText(
  files: Files,
  paths: readonly string[],
  pattern: RegExp,
  rule: string,
): Problem[] {
  return paths.flatMap((path) =>
    [...(files.get(path) ?? '').matchAll(pattern)].map((found) =>
      problemAt(files, path, found.index, `has '${found[0]}'`, rule),
    ),
  );
}

/** How many lines a file has. */
export function lengthOf(files: Files, path: string): number {
  return (files.get(path) ?? '').trimEnd().split('\n').length;
}

/** Files that are too long, and lines that are too wide. */
export function sizeProblems(files: Files, paths: readonly string[]): Problem[] {
  return paths.flatMap((path) => {
    const lines = (files.get(path) ?? '').split('\n');
    const length = lengthOf(files, path);
    const long: Problem = {
      path,
      line: length,
      found: `has ${length} lines`,
      rule: 'A file has at most 350: what does not fit one reading is two things',
    };
    const wide = lines.flatMap((text, index): Problem[] => {
      // Characters, not the two halves of an emoji.
      const width = Array.from(text).length;
      const rule = 'A line has at most 100 characters: two files fit side by side';
      return width <= 100
        ? []
        : [{ path, line: index + 1, found: `has ${width} characters`, rule }];
    });
    return length > 350 ? [long, ...wide] : wide;
  });
}

/** Names of files and folders that say nothing or are written otherwise than ours. */
export function nameProblems(files: Files): Problem[] {
  return codeIn(files, 'src', 'test', 'emulators', 'demo', 'bench').flatMap((path) => {
    const parts = path.replace(/\.ts$/, '').split('/');
    const drawer = parts.find((part) => /^(?:utils?|common|helpers?|types)$/.test(part));
    const odd = parts.find((part) => !/^[a-z0-9]+(?:[-.][a-z0-9]+)*$/.test(part));
    const at = { path, line: 1 };
    const rule = 'Files are named after what they hold, in kebab-case: a drawer holds anything';
    return [drawer, odd].flatMap((name) =>
      name === undefined ? [] : [{ ...at, found: `has the name '${name}'`, rule }],
    );
  });
}

const plainTest = /\b(?:test|it)(?:\.(?!each\b|for\b)\w+)*\s*\(\s*(?=['"`])/g;
const tableTest = /\b(?:test|it)(?:\.\w+)*\.(?:each|for)\b/g;
const secondCall = /\)\s*\(\s*(?=['"`])/g;

/** Where the names of tests begin. */
function placesOfNames(bare: string): number[] {
  const plain = [...bare.matchAll(plainTest)].map((found) => found.index + found[0].length);
  const tables = [...bare.matchAll(tableTest)].flatMap((found) => {
    const start = found.index + found[0].length;
    const rest = bare.slice(start);
    // `each(rows)('name', …)`: rows may hold such calls too, but only here all brackets are closed.
    const call = [...rest.matchAll(secondCall)].find(({ index }) => {
      const before = rest.slice(0, index + 1);
      return before.split('(').length === before.split(')').length;
    });
    return call === undefined ? [] : [start + call.index + call[0].length];
  });
  return [...plain, ...tables].toSorted((a, b) => a - b);
}

/** Test files that check nothing, and tests of one file that have the same name. */
export function testProblems(files: Files): Problem[] {
  const paths = codeIn(files, 'test').filter((path) => path.endsWith('.test.ts'));
  return paths.flatMap((path) => {
    const { bare, literals } = sourceOf(files, path);
    const byPlace = new Map(literals.map(({ at, text }) => [at, text]));
    const seen = new Set<string>();
    const problems: Problem[] = [];
    for (const at of placesOfNames(bare)) {
      const name = byPlace.get(at) ?? '';
      const rule = 'One name is one guarantee: a report must say which of two tests failed';
      if (seen.has(name)) problems.push(problemAt(files, path, at, `repeats '${name}'`, rule));
      seen.add(name);
    }
    if (!/\b(?:expect|assert)\w*\s*[.(<]/.test(bare)) {
      const rule = 'A test that cannot fail guards nothing';
      problems.push({ path, line: 1, found: 'has no assertion', rule });
    }
    return problems;
  });
}

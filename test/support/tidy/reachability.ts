import { posix } from 'node:path';
import { codeIn, resolvedImports, sourceOf, type Files, type Problem } from './source-tree.ts';

/**
 * Files below `folder` that nothing leads to from the roots. A literal with a file's path counts as
 * a way to it as well: workers, child processes and configurations name files so.
 */
export function unreachable(files: Files, folder: string, roots: readonly string[]): Problem[] {
  const reached = new Set<string>();
  const queue = roots.filter((path) => files.has(path));
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    queue.push(...waysFrom(files, path));
  }
  return codeIn(files, folder)
    .filter((path) => !reached.has(path))
    .map((path) => ({
      path,
      line: 1,
      found: 'is not used by anything',
      rule: 'A file nobody reaches is read, tested and changed for nothing',
    }));
}

function waysFrom(files: Files, path: string): string[] {
  const imported = resolvedImports(files, path).flatMap(({ target }) => target ?? []);
  const named = sourceOf(files, path)
    .literals.filter(({ text }) => /^[\w./-]+\.ts$/.test(text))
    .flatMap(({ text }) => [posix.join(posix.dirname(path), text), posix.normalize(text)]);
  return [...imported, ...named].filter((target) => files.has(target));
}

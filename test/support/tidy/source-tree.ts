import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { importsOf, lineAt, readSource, type Import, type SourceText } from './source-text.ts';

/** The files of the project: path from its root → text. */
export type Files = ReadonlyMap<string, string>;

/** One place where a rule is broken. */
export type Problem = {
  readonly path: string;
  readonly line: number;
  /** What was found. */
  readonly found: string;
  /** The rule, and why there is one. */
  readonly rule: string;
};

const folders = ['src', 'test', 'emulators', 'demo', 'migrations', 'bench', 'sql', 'docs'];
const texts = /\.(?:[cm]?[jt]s|json|sql|md|ya?ml|css|html|sh|out)$|(?:^|\/)(?:Dockerfile|README)$/;
const sources = new WeakMap<Files, Map<string, SourceText>>();

/** Reads the project's own text files. */
export function readFiles(root: string): Files {
  const own = readdirSync(root).filter((name) => statSync(join(root, name)).isFile());
  const deep = folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) =>
        posix.join(folder, path.replaceAll('\\', '/')),
      ),
    );
  const paths = [...own, ...deep].filter((path) => texts.test(path)).toSorted();
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

/** The TypeScript files below one of the folders, or all of them. */
export function codeIn(files: Files, ...below: string[]): string[] {
  return [...files.keys()].filter(
    (path) =>
      path.endsWith('.ts') &&
      (below.length === 0 || below.some((folder) => path.startsWith(`${folder}/`))),
  );
}

/** A file taken apart; done once for each. */
export function sourceOf(files: Files, path: string): SourceText {
  const known = sources.get(files) ?? new Map<string, SourceText>();
  sources.set(files, known);
  const source = known.get(path) ?? readSource(files.get(path) ?? '');
  known.set(path, source);
  return source;
}

/** An import with the file it leads to, or undefined where it leads to a package. */
export type ResolvedImport = Import & {
  readonly target: string | undefined;
  readonly line: number;
};

/** The imports of a file with what they lead to. */
export function resolvedImports(files: Files, path: string): ResolvedImport[] {
  const text = files.get(path) ?? '';
  return importsOf(sourceOf(files, path)).map((found) => ({
    ...found,
    target: found.specifier.startsWith('.')
      ? posix.join(posix.dirname(path), found.specifier)
      : undefined,
    line: lineAt(text, found.at),
  }));
}

/** A problem at a place of a file. */
export function problemAt(
  files: Files,
  path: string,
  at: number,
  found: string,
  rule: string,
): Problem {
  return { path, line: lineAt(files.get(path) ?? '', at), found, rule };
}

/** One line for each problem: `file:line what was found. The rule and why.` */
export function listed(problems: readonly Problem[]): string {
  return problems
    .map(({ path, line, found, rule }) => `${path}:${line} ${found}. ${rule}`)
    .join('\n');
}

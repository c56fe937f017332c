import {
  codeIn,
  resolvedImports,
  type Files,
  type Problem,
  type ResolvedImport,
} from './source-tree.ts';

/** Who may import whom. */
export type ImportRules = {
  /** For each module of src those that it may import, by `index.ts`. */
  readonly modules: Readonly<Record<string, readonly string[]>>;
  /** Files of src that wire the program, with those of them that they may import. */
  readonly wiring: Readonly<Record<string, readonly string[]>>;
  /** Modules that may import types, and only types, from any other. */
  readonly readers: readonly string[];
  /** Modules whose folders are adapters, with the one file of ours that an adapter may import. */
  readonly ports: Readonly<Record<string, string>>;
  /** Packages that only some places may import. */
  readonly packages: readonly {
    readonly name: RegExp;
    readonly within: readonly string[];
    readonly why: string;
  }[];
  /** Single imports that are allowed against the rules, each with its reason. */
  readonly exceptions: readonly {
    readonly from: string;
    readonly to: string;
    readonly reason: string;
  }[];
};

const why = 'Who may import whom is laid down in architecture §6:';

/** What breaks the import rules: one problem for each import, and one for each cycle. */
export function importProblems(files: Files, rules: ImportRules): Problem[] {
  const paths = codeIn(files, 'src');
  const problems = paths.flatMap((path) =>
    resolvedImports(files, path).flatMap((found) => {
      const rule = broken(path, found, rules);
      const { line, specifier } = found;
      return rule === undefined ? [] : [{ path, line, found: `imports '${specifier}'`, rule }];
    }),
  );
  return [...problems, ...unusedExceptions(files, rules), ...cycles(files, rules)];
}

function broken(path: string, found: ResolvedImport, rules: ImportRules): string | undefined {
  const { target, specifier } = found;
  if (target === undefined) {
    const limit = rules.packages.find(({ name }) => name.test(specifier));
    return limit === undefined || limit.within.some((place) => path.startsWith(place))
      ? undefined
      : `Only ${limit.within.join(', ')} may: ${limit.why}`;
  }
  if (isExcepted(path, target, rules) || target === 'package.json') return undefined;
  if (!target.startsWith('src/')) return 'src imports nothing of ours but src: it runs without it';
  return brokenInside(path, target, found.isType, rules);
}

function brokenInside(
  path: string,
  target: string,
  isType: boolean,
  rules: ImportRules,
): string | undefined {
  const [from, to] = [moduleOf(path, rules), moduleOf(target, rules)];
  const adapter = adapterOf(path, rules);
  if (to === 'leaf') return undefined;
  if (from === 'leaf') return `${why} a leaf imports only leaves, so that anything may import it`;
  if (adapter !== undefined) {
    const isOwn = target.startsWith(adapter) || target === rules.ports[from];
    return isOwn
      ? undefined
      : `${why} an adapter imports its port ${rules.ports[from]}, leaves and its own folder`;
  }
  if (from === to) return undefined;
  if (to in rules.wiring) {
    return (rules.wiring[from] ?? rules.modules[from] ?? []).includes(to)
      ? undefined
      : `${why} the composition root knows the modules, and they do not know it`;
  }
  if (target !== `src/${to}/index.ts`) {
    return `${why} other modules use src/${to}/index.ts, the rest of ${to} is its own affair`;
  }
  const allowed = rules.modules[from];
  if (allowed === undefined) return `the module ${from} is not in the map of test/tidy.test.ts`;
  if (allowed.includes(to) || (isType && rules.readers.includes(from))) return undefined;
  return `${why} ${from} may import ${allowed.join(', ') || 'no module'}`;
}

function isExcepted(path: string, target: string, rules: ImportRules): boolean {
  return rules.exceptions.some(({ from, to }) => from === path && to === target);
}

/** An exception nobody needs any more would let the next one in unseen. */
function unusedExceptions(files: Files, rules: ImportRules): Problem[] {
  return rules.exceptions
    .filter(({ from, to }) => !resolvedImports(files, from).some(({ target }) => target === to))
    .map(({ from, to }) => ({
      path: from,
      line: 1,
      found: `does not import ${to} any more`,
      rule: 'An exception that is not needed has to go: it would let the next one in unseen',
    }));
}

/** The module a file belongs to: its folder in src, the name of a wiring file, or `leaf`. */
function moduleOf(path: string, rules: ImportRules): string {
  const [, folder = '', rest] = path.split('/');
  if (rest !== undefined) return folder;
  const name = folder.replace(/\.ts$/, '');
  return name in rules.wiring ? name : 'leaf';
}

function adapterOf(path: string, rules: ImportRules): string | undefined {
  const [, module = '', kind, file] = path.split('/');
  return file !== undefined && module in rules.ports ? `src/${module}/${kind}/` : undefined;
}

function cycles(files: Files, rules: ImportRules): Problem[] {
  const edges = new Map<string, Map<string, Problem>>();
  for (const path of codeIn(files, 'src')) {
    for (const { target, line, isType } of resolvedImports(files, path)) {
      const [from, to] = [
        nodeOf(path, rules),
        target?.startsWith('src/') ? nodeOf(target, rules) : undefined,
      ];
      if (to === undefined || from === to) continue;
      if (isType && rules.readers.includes(from)) continue;
      const rule =
        'Modules import each other in one direction: a cycle is one module in two folders';
      const out = edges.get(from) ?? new Map<string, Problem>();
      edges.set(from, out.set(to, { path, line, found: '', rule }));
    }
  }
  const finished = new Set<string>();
  const problems: Problem[] = [];
  const visit = (node: string, trail: readonly string[]): void => {
    for (const [next, edge] of edges.get(node) ?? []) {
      const start = trail.indexOf(next);
      const found = `closes the cycle ${[...trail.slice(start), next].join(' → ')}`;
      if (start >= 0) problems.push({ ...edge, found });
      else if (!finished.has(next)) visit(next, [...trail, next]);
    }
    finished.add(node);
  };
  for (const node of edges.keys()) if (!finished.has(node)) visit(node, [node]);
  return problems;
}

/** Leaves may import leaves, so that among them each file counts for itself. */
function nodeOf(path: string, rules: ImportRules): string {
  const module = moduleOf(path, rules);
  return module === 'leaf' ? path : module;
}

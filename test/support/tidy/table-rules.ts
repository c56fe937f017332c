import { codeIn, problemAt, sourceOf, type Files, type Problem } from './source-tree.ts';

/** Which module owns which tables, and where another one may name them. */
export type TableRules = {
  readonly owners: Readonly<Record<string, readonly string[]>>;
  readonly exceptions: readonly {
    readonly from: string;
    readonly table: string;
    readonly reason: string;
  }[];
};

/** SQL, and not a sentence in which `from` and `location` follow each other. */
const isStatement =
  /\bselect\b[\s\S]*\bfrom\b|\binsert\s+into\b|\bupdate\b[\s\S]*\bset\b|\bdelete\s+from\b/i;
const isOtherStatement = /^\s*(?:truncate|lock\s+table|copy|merge\s+into|alter\s+table|with)\b/i;
const tablesInSql =
  /\b(?:from|join|into|update|using|table|truncate|copy|only)\s+(?:public\.)?"?(?<table>\w+)/gi;
const kyselyCalls =
  /\.(?:selectFrom|insertInto|updateTable|deleteFrom|mergeInto|replaceInto|using|\w+Join)\(/g;
const creations =
  /\bcreate\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?(?:public\.)?"?(?<table>\w+)/gi;

/** Tables that a module names though another owns them. */
export function tableProblems(files: Files, rules: TableRules): Problem[] {
  const ownerOf = new Map(
    Object.entries(rules.owners).flatMap(([owner, tables]) => tables.map((t) => [t, owner])),
  );
  return codeIn(files, 'src').flatMap((path) => {
    const module = path.split('/')[1] ?? '';
    return namedTables(files, path).flatMap(({ table, at }) => {
      const owner = ownerOf.get(table);
      const isAllowed = rules.exceptions.some((e) => e.from === path && e.table === table);
      if (owner === undefined || owner === module || isAllowed) return [];
      const rule = `Only ${owner} reads and writes it, others ask it: columns are no contract`;
      return [problemAt(files, path, at, `names the table ${table}`, rule)];
    });
  });
}

/** Exceptions that nobody needs any more: they would let the next one in unseen. */
export function unusedTableExceptions(files: Files, rules: TableRules): Problem[] {
  return rules.exceptions
    .filter(({ from, table }) => !namedTables(files, from).some((named) => named.table === table))
    .map(({ from, table }) => ({
      path: from,
      line: 1,
      found: `does not name ${table} any more`,
      rule: 'An exception that is not needed has to go: it would let the next one in unseen',
    }));
}

/** Tables that migrations or SQL files create and that no module owns. */
export function ownerProblems(files: Files, rules: TableRules): Problem[] {
  const owned = new Set(Object.values(rules.owners).flat());
  const problems: Problem[] = [];
  for (const [path, text] of files) {
    if (!/^migrations\/.*\.ts$|^sql\/.*\.sql$/.test(path)) continue;
    for (const { index, groups } of withoutSqlComments(text).matchAll(creations)) {
      const table = groups?.['table'] ?? '';
      if (owned.has(table)) continue;
      const rule = 'Each table has one owner: name it in the map of test/tidy.test.ts';
      problems.push(problemAt(files, path, index, `creates ${table}, which nobody owns`, rule));
    }
  }
  return problems;
}

function withoutSqlComments(text: string): string {
  return text.replaceAll(/--[^\n]*|^\s*(?:\/\/|\*)[^\n]*/gm, (note) => note.replaceAll(/\S/g, ' '));
}

function namedTables(files: Files, path: string): { table: string; at: number }[] {
  const { bare, literals } = sourceOf(files, path);
  const inSql = literals
    .filter(({ text, isSql }) => isSql || isStatement.test(text) || isOtherStatement.test(text))
    .flatMap(({ text, at }) =>
      [...withoutSqlComments(text).matchAll(tablesInSql)].map((found) => ({
        table: found.groups?.['table'] ?? '',
        // A template with expressions is cut down: its start is near enough.
        at: text.includes('${}') ? at : at + 1 + found.index,
      })),
    );
  const inCalls = [...bare.matchAll(kyselyCalls)].flatMap((call) => {
    const from = call.index + call[0].length;
    const to = bare.indexOf(')', from);
    return literals
      .filter(({ at }) => at >= from && at < to)
      .map(({ text, at }) => ({ table: text.split(/[\s.]/, 1)[0] ?? '', at }));
  });
  return [...inSql, ...inCalls];
}

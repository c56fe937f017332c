import { sql } from 'kysely';
import type { Db } from '../db/index.ts';
import { startProgress } from '../progress.ts';
import { exitCode } from './exit-code.ts';
import { print, printJson, type CommandIo } from './io.ts';
import { formatRows } from './table.ts';
import { withCore } from './with-core.ts';

type Finding = {
  readonly view: string;
  /** What a row means, in the view's own words. */
  readonly meaning: string;
  readonly rows: number;
  readonly first: readonly Record<string, unknown>[];
};

/** How many rows are shown of a view that has some. */
const shownRows = 5;

/** `onhand audit verify`: every violation view with its count; the first rows where it has some. */
export async function auditVerify(io: CommandIo, options: { json: boolean }): Promise<number> {
  return await withCore(io, async ({ db }) => {
    const views = await listViews(db, 'violation');
    const progress = startProgress({
      label: 'audit',
      total: views.length,
      stream: io.stderr,
      isTerminal: io.isTerminal,
    });
    const findings: Finding[] = [];
    for (const view of views) {
      findings.push(await readView(db, view));
      progress.advance();
    }
    progress.stop();
    const isClean = findings.every(({ rows }) => rows === 0);
    if (options.json) printJson(io, { clean: isClean, views: findings });
    else printFindings(io, findings);
    return isClean ? exitCode.ok : exitCode.found;
  });
}

export type Verdict = { readonly clean: boolean; readonly text: string };

/** Whether every violation view is empty, in one line. */
export async function readVerdict(db: Db): Promise<Verdict> {
  const filled: string[] = [];
  const views = await listViews(db, 'violation');
  for (const view of views) {
    const { rows } = await readView(db, view);
    if (rows > 0) filled.push(`${view.name} (${rows})`);
  }
  return filled.length === 0
    ? { clean: true, text: `clean: ${views.length} views are empty` }
    : { clean: false, text: `violations in ${filled.join(', ')}; see onhand audit verify` };
}

type View = { readonly name: string; readonly meaning: string };

/** The views whose comment begins with the word. */
async function listViews(db: Db, word: 'violation' | 'information'): Promise<readonly View[]> {
  const { rows } = await sql<View>`
    select c.relname as name,
      substr(obj_description(c.oid, 'pg_class'), ${word.length + 3}::integer) as meaning
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'audit' and c.relkind = 'v'
      and starts_with(obj_description(c.oid, 'pg_class'), ${`${word}: `})
    order by c.relname`.execute(db);
  return rows;
}

/** Counts a view and takes its first rows, in one pass over it. */
async function readView(db: Db, { name, meaning }: View): Promise<Finding> {
  const { rows } = await sql<{ count: number; first: Record<string, unknown>[] | null }>`
    with found as materialized (select * from audit.${sql.ref(name)})
    select (select count(*) from found) as count,
      (select jsonb_agg(to_jsonb(f)) from (select * from found limit ${shownRows}) f) as first
  `.execute(db);
  return { view: name, meaning, rows: rows[0]?.count ?? 0, first: rows[0]?.first ?? [] };
}

function printFindings(io: CommandIo, findings: readonly Finding[]): void {
  const width = Math.max(...findings.map(({ view }) => view.length));
  for (const { view, rows } of findings) print(io, `${view.padEnd(width)}  ${rows}`);
  const filled = findings.filter(({ rows }) => rows > 0);
  for (const { view, meaning, rows, first } of filled) {
    print(io, `\naudit.${view}: ${meaning}`);
    print(io, formatRows(first));
    if (rows > first.length) print(io, `… and ${rows - first.length} more`);
  }
  print(
    io,
    filled.length === 0
      ? `\nclean: ${findings.length} views are empty`
      : `\nviolations in ${filled.length} of ${findings.length} views`,
  );
}

/** A string or template of a TypeScript file. */
export type Literal = {
  /** What stands between the quotes; in a template each `${…}` is cut down to `${}`. */
  readonly text: string;
  /** Where its opening quote stands. */
  readonly at: number;
  /** Whether it is a template with the tag `sql`. */
  readonly isSql: boolean;
};

/** A TypeScript file taken apart far enough to search it without finding comments or text. */
export type SourceText = {
  /** The file, comments and literals (but not their quotes) blanked: places stay the same. */
  readonly bare: string;
  readonly literals: readonly Literal[];
};

type OpenTemplate = { at: number; text: string; isSql: boolean; braces: number };

const quoted = /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y;
const comment = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const regex = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y;
const templateText = /(?:\\[\s\S]|(?!\$\{)[^`\\])*/y;
/** What may stand before a regular expression; after anything else a slash divides. */
const beforeRegex = /(?:^|[(,=:[!&|?{};>+]|\b(?:return|case|typeof))\s*$/;

/** Takes a file apart. No compiler has a parser to offer that does less than a whole program. */
export function readSource(text: string): SourceText {
  const literals: Literal[] = [];
  const blanks: [from: number, to: number][] = [];
  const open: OpenTemplate[] = [];
  let at = 0;
  let braces = 0;

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const skip = (length: number, isBlank = true): void => {
    if (isBlank) blanks.push([at, at + length]);
    at += length;
  };
  const readTemplate = (template: OpenTemplate): void => {
    const chunk = match(templateText) ?? '';
    template.text += chunk;
    skip(chunk.length);
    if (text[at] === '$') {
      template.text += '${}';
      open.push({ ...template, braces });
      at += 2;
    } else {
      literals.push(template);
      at += 1;
    }
  };
  const step = (): void => {
    const char = text[at];
    const note = char === '/' ? match(comment) : undefined;
    if (note !== undefined) return skip(note.length);
    const string = char === "'" || char === '"' ? match(quoted) : undefined;
    if (string !== undefined) {
      literals.push({ text: string.slice(1, -1), at, isSql: false });
      skip(1, false);
      skip(string.length - 2);
      return skip(1, false);
    }
    if (char === '`') {
      const isSql = /\bsql(?:<[^`;]*>)?$/.test(text.slice(Math.max(0, at - 200), at));
      at += 1;
      return readTemplate({ at: at - 1, text: '', isSql, braces });
    }
    if (char === '}' && open.at(-1)?.braces === braces) {
      at += 1;
      const template = open.pop();
      return template === undefined ? undefined : readTemplate(template);
    }
    const before = text.slice(Math.max(0, at - 40), at);
    const pattern = char === '/' && beforeRegex.test(before) ? match(regex) : undefined;
    if (pattern !== undefined) return skip(pattern.length);
    if (char === '{') braces += 1;
    if (char === '}') braces -= 1;
    return skip(1, false);
  };
  while (at < text.length) step();
  return { bare: blanked(text, blanks), literals: literals.toSorted((a, b) => a.at - b.at) };
}

function blanked(text: string, blanks: readonly (readonly [number, number])[]): string {
  let bare = '';
  let end = 0;
  for (const [from, to] of blanks) {
    // Line ends stay, so that a place has the same line in both.
    bare += text.slice(end, from) + text.slice(from, to).replaceAll(/[^\n]/g, ' ');
    end = to;
  }
  return bare + text.slice(end);
}

/** One import or re-export, of whatever form. */
export type Import = {
  readonly specifier: string;
  readonly at: number;
  /** Nothing of it is left when the program runs. */
  readonly isType: boolean;
};

const fromForm = /\b(?:import|export)\s(?<clause>[^;'"`=()]*?)\bfrom\s*['"]/;
const callForm = /\bimport(?:\.meta\.resolve)?\s*\(?\s*['"`]/;
const importForms = new RegExp(`${fromForm.source}|${callForm.source}`, 'g');

/** The imports of a file: static, re-exporting, for side effects, dynamic, of types. */
export function importsOf(source: SourceText): Import[] {
  const byPlace = new Map(source.literals.map((literal) => [literal.at, literal]));
  return [...source.bare.matchAll(importForms)].flatMap((found) => {
    const literal = byPlace.get(found.index + found[0].length - 1);
    const clause = found.groups?.['clause'] ?? '';
    const names = /^\{(?<names>[^}]*)\}\s*$/.exec(clause)?.groups?.['names'];
    const isType =
      /^type\s+[{*\w]/.test(clause) ||
      (names !== undefined && names.split(',').every((name) => /^\s*(type\s|$)/.test(name)));
    return literal ? [{ specifier: literal.text, at: found.index, isType }] : [];
  });
}

/** The line, from 1, in which a place of a text stands. */
export function lineAt(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}

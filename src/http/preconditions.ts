import { ok, refused, type Result } from '../errors.ts';
import { invalid } from './request-text.ts';

const versions = /^\s*(?:W\/)?"(\d{1,15})"\s*$/;
const anyTag = /^\s*(?:W\/)?"[\u0021\u0023-\u007e]*"\s*$/;

/**
 * The versions of an `If-Match` header: `"7"`, a list, or `*`. A tag that is no version of ours is
 * well-formed and matches nothing. Refusals: REQUEST.INVALID (not a list of entity tags).
 */
export function readIfMatch(header: string): Result<readonly number[] | '*'> {
  if (header.trim() === '*') return ok('*');
  const found: number[] = [];
  for (const tag of header.split(',')) {
    const version = versions.exec(tag)?.[1];
    if (version !== undefined) found.push(Number(version));
    else if (!anyTag.test(tag)) {
      const message = 'Expected "<version>", a list of them, or *';
      return refused(invalid([{ path: 'If-Match', message }]));
    }
  }
  return ok(found);
}

/** Whether a reader who sent `If-None-Match` has this version already. */
export function hasVersion(ifNoneMatch: string | undefined, version: number): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((tag) => versions.exec(tag)?.[1] === String(version));
}

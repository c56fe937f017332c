/** Which part of a list: at most `limit` of what comes after the last one of the page before. */
export type PageRequest<K = string> = { readonly after?: K | undefined; readonly limit: number };

/** Part of a list, and the key of its last one, after which the next begins; undefined: the end. */
export type PageOf<T, K> = { readonly items: readonly T[]; readonly next: K | undefined };

/**
 * A page of rows that were asked for with one more than fit.
 * @param limit how many fit, 1 or more
 */
export function pageOf<T, K>(
  rows: readonly T[],
  limit: number,
  keyOf: (last: T) => K,
): PageOf<T, K> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? keyOf(last) : undefined };
}

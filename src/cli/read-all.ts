import type { PageOf, PageRequest } from '../page.ts';

/** Every item of a list that comes in pages. */
export async function readAll<T, K>(
  read: (page: PageRequest<K>) => Promise<PageOf<T, K>>,
): Promise<T[]> {
  const items: T[] = [];
  let after: K | undefined;
  do {
    const page = await read(after === undefined ? { limit: 1_000 } : { after, limit: 1_000 });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
}

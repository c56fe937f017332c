import type { PublishFailure } from '../adapter.ts';
import type { StoreAnswer } from './call-store.ts';
import type { WooIds } from './settings.ts';

/** A shop is a web server with a few workers, and its customers need them too. */
const lanes = 4;

/** Things that one request can be about: products, or the variations of one product. */
export type Part<Item> = {
  /** After `/wp-json/wc/v3/`: `products`, or `products/7/variations`. */
  readonly path: string;
  readonly items: readonly Item[];
};

/** The parts that some things come to: variations can only be reached through their product. */
export function partsOf<Item extends { readonly ids: WooIds }>(
  items: readonly Item[],
): readonly Part<Item>[] {
  const byPath = Map.groupBy(items, ({ ids }) =>
    ids.variationId === undefined ? 'products' : `products/${ids.productId}/variations`,
  );
  return [...byPath].map(([path, own]) => ({ path, items: own }));
}

export type WorkedPart<Item, Data> =
  | { readonly part: Part<Item>; readonly data: Data }
  | { readonly part: Part<Item>; readonly failure: PublishFailure };

/**
 * Makes one request for each part, a few at a time. A part that is too large is halved until it is
 * not. After a failure of the channel's nothing more is asked: the parts that are left fail as
 * well.
 */
export async function workParts<Item, Data>(
  parts: readonly Part<Item>[],
  ask: (part: Part<Item>) => Promise<StoreAnswer<Data>>,
): Promise<readonly WorkedPart<Item, Data>[]> {
  const open = parts.toReversed();
  const worked: WorkedPart<Item, Data>[] = [];
  let stopped: PublishFailure | undefined;
  const lane = async (): Promise<void> => {
    for (let part = open.pop(); part !== undefined; part = open.pop()) {
      if (stopped !== undefined) {
        worked.push({ part, failure: stopped });
        continue;
      }
      const answer = await ask(part);
      if (answer.ok) worked.push({ part, data: answer.data });
      else if (answer.isTooLarge && part.items.length > 1) open.push(...halvesOf(part));
      else {
        worked.push({ part, failure: answer.failure });
        if (answer.failure.scope === 'channel') stopped ??= answer.failure;
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return worked;
}

function halvesOf<Item>({ path, items }: Part<Item>): readonly Part<Item>[] {
  const middle = Math.ceil(items.length / 2);
  return [
    { path, items: items.slice(middle) },
    { path, items: items.slice(0, middle) },
  ];
}

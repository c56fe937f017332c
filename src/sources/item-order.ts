/** What orders the reports on one SKU, store and quantity. */
export type Ordered = {
  readonly version?: string | null | undefined;
  readonly observedAt: Date;
};

export type Order = 'older' | 'same' | 'newer';

const number = /^\d{1,255}$/;

/**
 * Where `item` stands beside what is known: by their versions where both have one, else by when
 * they were observed. Versions of digits are numbers of any length, others are compared as text.
 */
export function orderOf(item: Ordered, known: Ordered): Order {
  if (hasVersion(item) && hasVersion(known)) return compare(item.version, known.version);
  const difference = item.observedAt.getTime() - known.observedAt.getTime();
  if (difference === 0) return 'same';
  return difference < 0 ? 'older' : 'newer';
}

/** For sorting: older ones first. */
export function byOrder(a: Ordered, b: Ordered): number {
  const order = orderOf(a, b);
  if (order === 'same') return 0;
  return order === 'older' ? -1 : 1;
}

export function hasVersion<T extends Ordered>(item: T): item is T & { readonly version: string } {
  return item.version !== undefined && item.version !== null;
}

function compare(a: string, b: string): Order {
  if (a === b) return 'same';
  if (!number.test(a) || !number.test(b)) return a < b ? 'older' : 'newer';
  const [x, y] = [BigInt(a), BigInt(b)];
  if (x === y) return 'same';
  return x < y ? 'older' : 'newer';
}

/** What Amazon has taken for later, as it is remembered until it is known. */
export type Operation =
  | { readonly kind: 'feed'; readonly feedId: string }
  /** Listings that were changed one by one, at a time in ms: accepted, or nobody knows. */
  | { readonly kind: 'patch' | 'unanswered'; readonly since: number };

export function submittedFeed(feedId: string): string {
  return `feed:${feedId}`;
}

export function acceptedPatch(since: number): string {
  return `patch:${since}`;
}

export function unansweredPatch(since: number): string {
  return `unanswered:${since}`;
}

/** What a remembered name says; undefined where it is none of ours. */
export function operationOf(name: string): Operation | undefined {
  const [, kind, rest = ''] = /^(feed|patch|unanswered):(.+)$/.exec(name) ?? [];
  if (kind === 'feed') return { kind, feedId: rest };
  const since = Number(rest);
  if ((kind !== 'patch' && kind !== 'unanswered') || !Number.isFinite(since)) return undefined;
  return { kind, since };
}

/** What Amazon has taken for later, as it is remembered until it is known. */
export type Operation =
  | { readonly kind: 'feed'; readonly feedId: string }
  /** Listings that were changed one by one, until a time in ms. */
  | { readonly kind: PatchKind; readonly since: number };

/** `patch`: accepted; `repeated`: accepted, and perhaps twice; `unanswered`: nobody knows. */
export type PatchKind = 'patch' | 'repeated' | 'unanswered';

export function submittedFeed(feedId: string): string {
  return `feed:${feedId}`;
}

export function sentPatches(kind: PatchKind, since: number): string {
  return `${kind}:${since}`;
}

/** What a remembered name says; undefined where it is none of ours. */
export function operationOf(name: string): Operation | undefined {
  const [, kind, rest = ''] = /^(feed|patch|repeated|unanswered):(.+)$/.exec(name) ?? [];
  if (kind === 'feed') return { kind, feedId: rest };
  const since = Number(rest);
  if (!Number.isFinite(since)) return undefined;
  return kind === 'patch' || kind === 'repeated' || kind === 'unanswered'
    ? { kind, since }
    : undefined;
}

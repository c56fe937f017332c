import type { AccountState, Availability, EmulatedListing, Submission } from './state.ts';

/** An issue with a submission, as Amazon words it. */
export type Issue = {
  readonly code: string;
  readonly message: string;
  readonly severity: 'ERROR';
  readonly categories: readonly string[];
};

export type Patch = {
  readonly op: string;
  readonly path: string;
  readonly value?: readonly Availability[];
};

/** What is wrong with patches of a listing; undefined where nothing is. */
export function issueOf(
  listing: EmulatedListing | undefined,
  patches: readonly Patch[],
): Issue | undefined {
  if (listing === undefined) return issue('8058', 'MISSING_ATTRIBUTE');
  if (listing.issue !== undefined) return issue(listing.issue, 'INVALID_ATTRIBUTE');
  for (const { op, path, value = [] } of patches) {
    const isKnown = path === '/attributes/fulfillment_availability' && op !== 'delete';
    if (!isKnown || value.length === 0) return issue('4000003', 'INVALID_ATTRIBUTE');
    for (const { fulfillment_channel_code: channel, quantity = -1 } of value) {
      const isWhole = Number.isSafeInteger(quantity) && quantity >= 0;
      // What Amazon ships would be shipped by the seller from then on.
      const isTheirs = listing.availability.some((one) => one.fulfillment_channel_code === channel);
      if (!isWhole || !isTheirs) return issue('90225', 'INVALID_ATTRIBUTE');
    }
  }
  return undefined;
}

function issue(code: string, category: string): Issue {
  return { code, message: 'emulated', severity: 'ERROR', categories: [category] };
}

/** Takes patches for later; of one listing they are applied in the order they came in. */
export function submit(
  state: AccountState,
  patches: readonly Patch[],
  about: Pick<Submission, 'by' | 'sku' | 'dueAt'>,
): void {
  for (const { op, value = [] } of patches) state.submissions.push({ ...about, op, value });
}

/** Applies what is due. */
export function applySubmissions(state: AccountState, now: number): void {
  const isDue = ({ dueAt }: Submission): boolean => dueAt <= now;
  const due = state.submissions.filter(isDue);
  if (due.length === 0) return;
  state.submissions = state.submissions.filter((submission) => !isDue(submission));
  // The sort keeps the order of what is due at the same time.
  for (const submission of due.toSorted((a, b) => a.dueAt - b.dueAt)) apply(state, submission);
}

function apply(state: AccountState, { sku, by, op, value, dueAt }: Submission): void {
  const listing = state.listings[sku];
  if (listing === undefined) return;
  for (const one of value) {
    const code = one.fulfillment_channel_code;
    const before = listing.availability.find((known) => known.fulfillment_channel_code === code);
    const others = listing.availability.filter((known) => known !== before);
    // Only a merge leaves what is not said.
    const next = op === 'merge' ? { ...before, ...one } : one;
    listing.availability = [...others, next];
    (state.writes[sku] ??= []).push({ by, quantity: one.quantity ?? 0, at: dueAt });
  }
}

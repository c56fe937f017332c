import type { Change, ChangeOutcome, PublishFailure } from '../adapter.ts';
import type { AmazonIds } from './settings.ts';

/** A change, with what Amazon calls its listing. */
export type Row = { readonly change: Change; readonly ids: AmazonIds };

/** What became of some rows, in their order. */
export type RowsResult =
  | {
      readonly ok: true;
      readonly outcomes: readonly ChangeOutcome[];
      readonly nextCallInMs?: number;
      readonly failure?: PublishFailure;
    }
  | { readonly ok: false; readonly failure: PublishFailure };

/** What the seller ships, and not Amazon. */
export const ownFulfillment = 'DEFAULT';

/** For changes of the offer any listing takes it. */
const anyProduct = 'PRODUCT';

/** Sets a quantity and leaves the rest of what is said about availability as it is. */
export function quantityPatch({ change, ids }: Row): {
  readonly productType: string;
  readonly patches: readonly unknown[];
} {
  const value = [{ fulfillment_channel_code: ownFulfillment, quantity: change.available }];
  return {
    productType: ids.productType ?? anyProduct,
    patches: [{ op: 'merge', path: '/attributes/fulfillment_availability', value }],
  };
}

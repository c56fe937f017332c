import type { Change, ChangeOutcome, PublishContext, PublishResult } from '../adapter.ts';
import type { Connection } from './call-amazon.ts';
import { patchListings } from './patch-listings.ts';
import type { Row } from './quantity-patch.ts';
import { feedThresholdOf, idsOf, type AmazonConfig, type AmazonCredentials } from './settings.ts';
import { submitFeed } from './submit-feed.ts';

/** Sets quantities: few of them one by one, many as a feed. Amazon takes both for later. */
export async function setQuantities(
  connection: Connection,
  changes: readonly Change[],
  context: PublishContext<AmazonConfig, AmazonCredentials>,
): Promise<PublishResult> {
  const rows = changes.flatMap((change): Row[] => {
    const ids = idsOf(change.externalIds);
    return ids === undefined ? [] : [{ change, ids }];
  });
  const isMany = rows.length >= feedThresholdOf(context.config);
  const result = await (isMany ? submitFeed : patchListings)(connection, rows, context);
  if (!result.ok) return result;
  const { nextCallInMs, failure } = result;
  const outcomes = new Map(rows.map(({ change }, index) => [change, result.outcomes[index]]));
  const notMapped: ChangeOutcome = { kind: 'refused', code: 'not_mapped' };
  return {
    ok: true,
    httpStatus: isMany ? 202 : 200,
    outcomes: changes.map((change) => outcomes.get(change) ?? notMapped),
    ...(nextCallInMs === undefined ? {} : { nextCallInMs }),
    ...(failure === undefined ? {} : { failure }),
  };
}

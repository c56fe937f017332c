import type { Change } from '../adapter.ts';
import type { Connection } from './call-amazon.ts';
import { confirmFeed } from './confirm-feed.ts';
import { confirmPatches } from './confirm-patches.ts';
import { sendAgain, type ConfirmResult } from './confirm-result.ts';
import { operationOf } from './operations.ts';
import type { AmazonContext } from './settings.ts';
import type { Waits } from './waits.ts';

/** Asks what became of a feed, or whether listings show what they were changed to. */
export async function confirm(
  connection: Connection,
  waits: Waits,
  name: string,
  changes: readonly Change[],
  context: AmazonContext,
): Promise<ConfirmResult> {
  const operation = operationOf(name);
  if (operation === undefined) return sendAgain(changes, 'unconfirmed');
  if (operation.kind === 'feed') {
    return await confirmFeed(connection, waits, operation.feedId, changes, context);
  }
  return await confirmPatches(connection, waits, operation, changes, context);
}

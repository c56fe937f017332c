import { setTimeout } from 'node:timers/promises';
import { whileLocked } from '../db/index.ts';
import { ledgerPart } from './begin-runs.ts';
import { workChannelPart, type ChannelReader, type StepResult } from './channel-part.ts';
import { workLedgerPart } from './check-ledger.ts';
import type { ReconciliationContext } from './context.ts';
import { PartMoved, type PartRow } from './part.ts';
import { workSourcePart } from './source-part.ts';

/**
 * Works a channel's part to its end, as long as this process leads the channel. Another one that
 * leads it then goes on where this one came to.
 */
export async function reconcileChannel(
  context: ReconciliationContext,
  part: PartRow,
  reader: ChannelReader,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  await untilDone(signal, async () => {
    const result = await workChannelPart(context, part, reader, failures);
    if (result.kind === 'more') failures = 0;
    else if (result.hasFailed === true) failures += 1;
    return result;
  });
}

/** Works a part that is no channel's, unless another process is at it. */
export async function reconcileOther(
  context: ReconciliationContext,
  part: PartRow,
  signal: AbortSignal,
): Promise<void> {
  const { merchant_id: merchantId, reconciliation_id: id, part_id: partId } = part;
  await whileLocked(context.db, `reconciliation ${merchantId} ${id} ${partId}`, async () => {
    if (partId === ledgerPart) await workLedgerPart(context, part);
    else await untilDone(signal, () => workSourcePart(context, part, signal));
  });
}

async function untilDone(signal: AbortSignal, step: () => Promise<StepResult>): Promise<void> {
  while (!signal.aborted) {
    try {
      const result = await step();
      if (result.kind === 'done') return;
      if (result.kind === 'wait') {
        await setTimeout(result.ms, undefined, { signal }).catch(() => undefined);
      }
    } catch (error) {
      // Another process is at it: whoever is to go on finds it in its next look.
      if (error instanceof PartMoved) return;
      throw error;
    }
  }
}

import { setTimeout } from 'node:timers/promises';
import { whileLocked } from '../db/index.ts';
import { openFigures } from '../sources/index.ts';
import { workChannelPart, type ChannelReader, type StepResult } from './channel-part.ts';
import { workLedgerPart } from './check-ledger.ts';
import type { ReconciliationContext } from './context.ts';
import { PartMoved, type PartRow } from './part.ts';
import { workSourcePart } from './source-part.ts';

/**
 * Works a channel's part to its end, as long as this process leads the channel. Another one that
 * leads it then goes on where this one came to. @returns whether it came to the end
 */
export async function reconcileChannel(
  context: ReconciliationContext,
  part: PartRow,
  reader: ChannelReader,
  signal: AbortSignal,
): Promise<boolean> {
  let failures = 0;
  let readAt = performance.now();
  return await untilDone(signal, async () => {
    const trouble = { failures, busyMs: performance.now() - readAt };
    const result = await workChannelPart(context, part, reader, trouble);
    if (result.kind === 'more') failures = 0;
    if (result.trouble === 'failed') failures += 1;
    if (result.trouble !== 'busy') readAt = performance.now();
    return result;
  });
}

/** Works a part that is no channel's, unless another process is at it. As `reconcileChannel`. */
export async function reconcileOther(
  context: ReconciliationContext,
  part: PartRow,
  signal: AbortSignal,
): Promise<boolean> {
  const { merchant_id: merchantId, reconciliation_id: id, part_id: partId } = part;
  const name = `reconciliation ${merchantId} ${id} ${partId}`;
  const isDone = await whileLocked(context.db, name, async () => {
    if (part.source_id !== null) {
      const figures = openFigures(context.sources, { merchantId, sourceId: part.source_id });
      try {
        return await untilDone(signal, () => workSourcePart(context, part, figures, signal));
      } finally {
        await figures.close();
      }
    }
    await workLedgerPart(context, part);
    return true;
  });
  return isDone ?? false;
}

async function untilDone(signal: AbortSignal, step: () => Promise<StepResult>): Promise<boolean> {
  while (!signal.aborted) {
    try {
      const result = await step();
      if (result.kind === 'done') return true;
      if (result.kind === 'wait') {
        await setTimeout(result.ms, undefined, { signal }).catch(() => undefined);
      }
    } catch (error) {
      // Another process is at it: whoever is to go on finds it in its next look.
      if (error instanceof PartMoved) return false;
      throw error;
    }
  }
  return false;
}

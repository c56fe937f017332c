import type { PoolClient } from 'pg';
import { changeTogether, takeFigure } from '../stock/index.ts';
import {
  compareIn,
  guardsOfSource,
  type AskedFigure,
  type ComparedFigure,
} from './compare-figures.ts';
import type { SourcesContext } from './context.ts';
import { actorOf } from './read-later.ts';
import { writeFigures, type SourceName } from './write-page.ts';

/** What a correction asks for: a figure, and the difference that was decided on. */
export type Correction = AskedFigure & {
  /** Stands with the ledger entry as its reference. */
  readonly driftId: string;
  /** Ours less the source's. */
  readonly units: number;
};

export type Corrected = {
  readonly driftId: string;
  /**
   * `corrected`: ours is the source's now; `moved`: the difference is another one by now;
   * `gone`: what was read is out of date, or no business of the source's any more.
   */
  readonly kind: 'corrected' | 'moved' | 'gone';
  /** As it was found now. */
  readonly found?: ComparedFigure;
};

/** The reason of what brings stock to its owner's figure. */
export const correctionReason = 'reconciliation';

/**
 * Brings quantities to their owner's figures, with what was recorded since on top: an adjustment
 * for each whose difference is still the one that was decided on. In one transaction with `also`.
 * Undefined: the source is gone.
 * @param corrections of different places
 */
export async function correctFigures(
  context: SourcesContext,
  name: SourceName,
  corrections: readonly Correction[],
  also: (client: PoolClient, corrected: readonly Corrected[]) => Promise<void>,
): Promise<readonly Corrected[] | undefined> {
  const guards = await guardsOfSource(context, name);
  if (guards === undefined) return undefined;
  return await changeTogether(context.together, async (transaction) => {
    const { client } = transaction;
    // No page of the source comes between.
    const { rows } = await client.query<{ generation: number }>(
      `select generation from source where merchant_id = $1 and source_id = $2
       for no key update`,
      [name.merchantId, name.sourceId],
    );
    const [source] = rows;
    if (source === undefined) return undefined;
    const { desk, known, found } = await compareIn(transaction, name, corrections, guards);
    const byItem = new Map(found.map((one) => [one.item, one]));
    const corrected = corrections.map(({ item, driftId, units }): Corrected => {
      const one = byItem.get(item);
      if (one === undefined || one.isOutdated) return { driftId, kind: 'gone' };
      if (one.expected - one.observed !== units) return { driftId, kind: 'moved', found: one };
      const { merchantId, sourceId } = name;
      const { sku, storeId, quantity, value, observedAt } = item;
      const outcome = desk.run(
        takeFigure({
          level: { merchantId, sku, storeId },
          quantity,
          value,
          later: one.later,
          provenance: {
            reason: correctionReason,
            reference: driftId,
            actor: actorOf(sourceId),
            sourceChannel: null,
            occurredAt: observedAt,
          },
        }),
      );
      if (outcome.kind === 'refused') return { driftId, kind: 'gone' };
      return { driftId, kind: 'corrected', found: one };
    });
    const taken = corrected.flatMap(({ kind, found: one }) =>
      kind === 'corrected' && one !== undefined ? [one.item] : [],
    );
    await writeFigures(client, name, taken, { desk, known, generation: source.generation });
    await also(client, corrected);
    return corrected;
  });
}

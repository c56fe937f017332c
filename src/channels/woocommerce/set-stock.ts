import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { Change, ChangeOutcome, PublishFailure, PublishResult } from '../adapter.ts';
import { callStore } from './call-store.ts';
import { outcomeOfItem, updatedSchema } from './item-outcome.ts';
import { idsOf, type WooContext, type WooIds } from './settings.ts';
import { partsOf, workParts, type WorkedPart } from './work-parts.ts';

type Row = { readonly change: Change; readonly ids: WooIds };
type Updated = z.infer<typeof answerSchema>;

/** An item that cannot be read says nothing of the others. */
const answerSchema = z.object({ update: z.array(updatedSchema.optional().catch(undefined)) });

/**
 * Sets stock quantities. Products go together, variations product by product, so one call is
 * several requests: what some of them did counts even where others failed. Each item has a result
 * of its own, whatever the status says.
 */
export async function setStock(
  client: HttpClient,
  changes: readonly Change[],
  context: WooContext,
): Promise<PublishResult> {
  const outcomes = new Map<Change, ChangeOutcome>();
  const rows = changes.flatMap((change): Row[] => {
    const ids = idsOf(change.externalIds);
    if (ids !== undefined) return [{ change, ids }];
    outcomes.set(change, { kind: 'refused', code: 'not_mapped' });
    return [];
  });
  const worked = await workParts(partsOf(rows), ({ path, items }) =>
    callStore(client, context, {
      path: `${path}/batch`,
      body: { update: items.map(itemOf) },
      data: answerSchema,
    }),
  );
  for (const part of worked) judge(part, outcomes);
  const failures = worked.flatMap((part) => ('failure' in part ? [part.failure] : []));
  const [failure] = failures;
  if (failure !== undefined && failures.length === worked.length) return { ok: false, failure };
  return {
    ok: true,
    httpStatus: 200,
    outcomes: changes.map((change) => outcomes.get(change) ?? unknown),
    ...waitAfter(failures),
  };
}

const unknown: ChangeOutcome = { kind: 'retry', code: 'invalid_response' };

/** Without `manage_stock` the shop would drop the quantity of what it does not count yet. */
function itemOf({ change, ids }: Row): unknown {
  return {
    id: ids.variationId ?? ids.productId,
    manage_stock: true,
    stock_quantity: change.available,
  };
}

function judge(part: WorkedPart<Row, Updated>, outcomes: Map<Change, ChangeOutcome>): void {
  if ('failure' in part) {
    const { code, retryAfterMs } = part.failure;
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    for (const { change } of part.part.items) {
      outcomes.set(change, { kind: 'retry', code, ...wait });
    }
    return;
  }
  const updated = new Map(part.data.update.map((item) => [item?.id, item]));
  for (const { change, ids } of part.part.items) {
    const item = updated.get(ids.variationId ?? ids.productId);
    outcomes.set(change, item === undefined ? unknown : outcomeOfItem(change, item));
  }
}

/** A shop that asked for a pause gets it, though some of it was done. */
function waitAfter(failures: readonly PublishFailure[]): { readonly nextCallInMs?: number } {
  const waits = failures.map(({ retryAfterMs }) => retryAfterMs ?? 0);
  const nextCallInMs = Math.max(0, ...waits);
  return nextCallInMs === 0 ? {} : { nextCallInMs };
}

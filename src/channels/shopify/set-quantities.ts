import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { Change, ChangeOutcome, PublishContext, PublishResult } from '../adapter.ts';
import { callGraphql } from './call-graphql.ts';
import { waitForPoints, type Cost } from './cost.ts';
import { setQuantitiesDocument } from './documents.ts';
import { readLevels } from './read-levels.ts';
import { idsOf, type ShopifyConfig, type ShopifyCredentials, type ShopifyIds } from './settings.ts';
import { judgeErrors } from './user-errors.ts';

type Context = PublishContext<ShopifyConfig, ShopifyCredentials>;
/** A change that Shopify can be told about. */
type Row = { readonly change: Change; readonly ids: ShopifyIds };

const payloadSchema = z.object({
  inventorySetQuantities: z.object({
    inventoryAdjustmentGroup: z.object({ id: z.string() }).nullable(),
    userErrors: z.array(
      z.object({
        // The row may be told as a number.
        field: z.array(z.union([z.string(), z.number()]).transform(String)).nullish(),
        code: z.string().nullish(),
      }),
    ),
  }),
});

/**
 * Sets quantities in one mutation, all rows or none, each only if Shopify shows what we think it
 * does. When it does not, or when some rows cannot be taken, the levels are read: each row then
 * has the figure to be sent again with, which is no drift where it is the one we knew.
 */
export async function setQuantities(
  client: HttpClient,
  changes: readonly Change[],
  context: Context,
): Promise<PublishResult> {
  const rows = changes.flatMap((change): Row[] => {
    const ids = idsOf(change.externalIds);
    return ids === undefined ? [] : [{ change, ids }];
  });
  const sent = rows.length === 0 ? { outcomes: [] } : await sendRows(client, rows, context);
  if ('failure' in sent) return { ok: false, failure: sent.failure };
  const byChange = new Map(rows.map(({ change }, row) => [change, sent.outcomes[row]]));
  const outcomes = changes.map((change): ChangeOutcome => {
    return byChange.get(change) ?? { kind: 'refused', code: 'not_mapped' };
  });
  return { ok: true, httpStatus: 200, outcomes, ...paceOf(sent.costs ?? []) };
}

type Sent =
  | {
      readonly outcomes: readonly ChangeOutcome[];
      readonly costs?: readonly (Cost | undefined)[];
    }
  | { readonly failure: (PublishResult & { ok: false })['failure'] };

async function sendRows(client: HttpClient, rows: readonly Row[], context: Context): Promise<Sent> {
  const answer = await callGraphql(client, context, {
    document: setQuantitiesDocument,
    variables: { key: context.messageId, input: inputOf(rows) },
    data: payloadSchema,
  });
  if (!answer.ok) return answer;
  const { cost } = answer;
  const { inventoryAdjustmentGroup: group, userErrors } = answer.data.inventorySetQuantities;
  if (userErrors.length === 0) {
    const outcome: ChangeOutcome = { kind: group === null ? 'unchanged' : 'applied' };
    return { outcomes: rows.map(() => outcome), costs: [cost] };
  }
  const judged = judgeErrors(userErrors);
  if (judged.kind === 'failed') return judged;
  if (judged.kind === 'refused') {
    return { outcomes: rows.map(() => ({ kind: 'refused', code: judged.code })), costs: [cost] };
  }
  return await lookAgain(client, rows, { outcomes: judged.outcomes, cost }, context);
}

/** Everything but the key follows from the changes alone: a repeat says the same. */
function inputOf(rows: readonly Row[]): unknown {
  return {
    name: 'available',
    reason: 'correction',
    quantities: rows.map(({ change, ids }) => ({
      ...ids,
      quantity: change.available,
      changeFromQuantity: change.previous,
    })),
  };
}

/** Reads what the rows show that have no error of their own. */
async function lookAgain(
  client: HttpClient,
  rows: readonly Row[],
  known: { readonly outcomes: ReadonlyMap<number, ChangeOutcome>; readonly cost: Cost | undefined },
  context: Context,
): Promise<Sent> {
  const others = rows.filter((_, row) => !known.outcomes.has(row));
  const read = await readLevels(
    client,
    context,
    others.map(({ ids }) => ids),
  );
  if (!read.ok) {
    const { retryAfterMs } = read.failure;
    // The next call begins with the mutation again.
    const more = known.cost === undefined ? 0 : restoreMs(known.cost);
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs: retryAfterMs + more };
    return { failure: { ...read.failure, ...wait, isNotDone: true } };
  }
  const shown = new Map(others.map((row, index) => [row, read.quantities[index] ?? null]));
  const outcomes = rows.map((row, index) => {
    return known.outcomes.get(index) ?? outcomeOf(row.change, shown.get(row) ?? null);
  });
  return { outcomes, costs: [known.cost, read.cost] };
}

function outcomeOf(change: Change, observed: number | null): ChangeOutcome {
  if (observed === null) return { kind: 'refused', code: 'item_not_stocked_at_location' };
  if (observed === change.available) return { kind: 'unchanged' };
  return { kind: 'stale', observed };
}

/** How long the bucket takes to restore what a call costs. */
function restoreMs({ requestedQueryCost, throttleStatus }: Cost): number {
  return Math.ceil((requestedQueryCost * 1_000) / throttleStatus.restoreRate);
}

/** The next call costs what this one did; the newest figures say whether it has to wait. */
function paceOf(costs: readonly (Cost | undefined)[]): { readonly nextCallInMs?: number } {
  const [mutation] = costs;
  const newest = costs.at(-1);
  if (mutation === undefined || newest === undefined) return {};
  const nextCallInMs = waitForPoints(mutation.requestedQueryCost, newest);
  return nextCallInMs === 0 ? {} : { nextCallInMs };
}

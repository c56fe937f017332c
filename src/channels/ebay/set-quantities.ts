import { z } from 'zod';
import type { Change, ChangeOutcome, PublishFailure, PublishResult } from '../adapter.ts';
import { callEbay, type Ebay } from './call-ebay.ts';
import { itemSchema, outcomeOfItem, refusalOf } from './item-outcome.ts';
import { idsOf, type EbayContext } from './settings.ts';
import { isAboutListing, republish } from './withdraw.ts';

type Row = {
  readonly change: Change;
  readonly offerId: string;
  readonly sku: string | undefined;
};
/** What is known of changes; those that are not in it were not asked for. */
type Worked = {
  readonly outcomes: Map<Change, ChangeOutcome>;
  readonly failures: PublishFailure[];
};

const answerSchema = z.object({ responses: z.array(itemSchema) });

/**
 * Sets what offers show, up to 25 in a request, each with a result of its own whatever the status
 * of the whole says. After a failure of the channel's nothing more is asked: what was done before
 * counts.
 */
export async function setQuantities(
  ebay: Ebay,
  changes: readonly Change[],
  context: EbayContext,
): Promise<PublishResult> {
  const worked: Worked = { outcomes: new Map(), failures: [] };
  const rows = changes.flatMap((change): Row[] => {
    const ids = idsOf(change.externalIds);
    if (ids !== undefined) return [{ change, offerId: ids.offerId, sku: ids.sku }];
    worked.outcomes.set(change, { kind: 'refused', code: 'not_mapped' });
    return [];
  });
  // Of several figures for one offer the last is sent.
  const byOffer = new Map(rows.map((row) => [row.offerId, row]));
  const revised = await withdrawOrPublish(ebay, [...byOffer.values()], context, worked);
  const { offersPerRequest } = context.config;
  for (let from = 0; from < revised.length; from += offersPerRequest) {
    await revise(ebay, revised.slice(from, from + offersPerRequest), context, worked);
  }
  return resultOf(changes, rows, byOffer, worked);
}

/** Where 0 is shown by no listing. @returns what is left to be revised */
async function withdrawOrPublish(
  ebay: Ebay,
  rows: readonly Row[],
  context: EbayContext,
  { outcomes, failures }: Worked,
): Promise<readonly Row[]> {
  if (context.config.zeroHandling === 'set') return rows;
  const revised: Row[] = [];
  for (const row of rows) {
    if (!isAboutListing(row.change)) {
      revised.push(row);
      continue;
    }
    if (hasStopped(failures)) continue;
    const done = await republish(ebay, row.change, row.offerId, context);
    if (done.kind === 'known') outcomes.set(row.change, done.outcome);
    else if (done.kind === 'revise') revised.push(row);
    else failures.push(done.failure);
  }
  return revised;
}

/** A request that is not taken because of some of its offers is halved until they are alone. */
async function revise(
  ebay: Ebay,
  rows: readonly Row[],
  context: EbayContext,
  worked: Worked,
): Promise<void> {
  const { outcomes, failures } = worked;
  if (hasStopped(failures)) return;
  const answer = await callEbay(ebay, context, {
    method: 'POST',
    path: 'bulk_update_price_quantity',
    body: {
      requests: rows.map(({ change, offerId, sku }) => {
        const offers = [{ offerId, availableQuantity: change.available }];
        return sku === undefined ? { offers } : { sku, offers };
      }),
    },
    data: answerSchema,
  });
  if (answer.ok) {
    const { responses } = answer.data;
    const byOffer = new Map(responses.map((item) => [item.offerId, item]));
    // eBay's documents do not promise that an answer names the offer.
    const bySku = new Map(
      responses.flatMap((item) =>
        (item.offerId ?? null) === null ? [[item.sku, item] as const] : [],
      ),
    );
    for (const { change, offerId, sku } of rows) {
      const item = byOffer.get(offerId) ?? (sku === undefined ? undefined : bySku.get(sku));
      if (item !== undefined) outcomes.set(change, outcomeOfItem(change, item));
    }
    return;
  }
  const { failure, errors } = answer;
  const [row] = rows;
  if (failure.httpStatus !== 400 || errors.length === 0 || row === undefined) {
    failures.push(failure);
  } else if (rows.length === 1) {
    outcomes.set(row.change, refusalOf(row.change, 400, errors[0]));
  } else {
    const middle = Math.ceil(rows.length / 2);
    await revise(ebay, rows.slice(0, middle), context, worked);
    await revise(ebay, rows.slice(middle), context, worked);
  }
}

function hasStopped(failures: readonly PublishFailure[]): boolean {
  return failures.some(({ scope }) => scope === 'channel');
}

function resultOf(
  changes: readonly Change[],
  rows: readonly Row[],
  byOffer: ReadonlyMap<string, Row>,
  { outcomes, failures }: Worked,
): PublishResult {
  const [failure] = failures;
  const isAnyKnown = rows.some(({ change }) => outcomes.has(change));
  if (failure !== undefined && !isAnyKnown) return { ok: false, failure: combined(failures) };
  for (const { change, offerId } of rows) {
    const sent = byOffer.get(offerId)?.change ?? change;
    const outcome = outcomes.get(sent) ?? openOutcome(failure);
    outcomes.set(change, outcome);
  }
  const nextCallInMs = Math.max(0, ...failures.map(({ retryAfterMs }) => retryAfterMs ?? 0));
  return {
    ok: true,
    httpStatus: 200,
    outcomes: changes.map((change) => outcomes.get(change) ?? openOutcome(failure)),
    ...(nextCallInMs === 0 ? {} : { nextCallInMs }),
  };
}

/** Nobody may say that nothing was done unless that is so of each request. */
function combined(failures: readonly PublishFailure[]): PublishFailure {
  const failure = failures.find(({ scope }) => scope === 'channel') ?? failures[0];
  if (failure === undefined) throw new Error('there is no failure');
  const { isNotDone: _, ...rest } = failure;
  const isNotDone = failures.every((one) => one.isNotDone === true);
  return isNotDone ? { ...rest, isNotDone } : rest;
}

function openOutcome(failure: PublishFailure | undefined): ChangeOutcome {
  const code = failure?.code ?? 'invalid_response';
  const { retryAfterMs } = failure ?? {};
  return { kind: 'retry', code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

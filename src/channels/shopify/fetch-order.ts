import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import type { FetchOrderResult } from '../adapter.ts';
import { callGraphql } from './call-graphql.ts';
import { orderDocument } from './documents.ts';
import { orderOf } from './order.ts';
import type { ShopifyContext } from './settings.ts';

/** So many refunds are asked for: where there are as many, there may be more. */
const mostRefunds = 10;

const pageInfo = z.object({ hasNextPage: z.boolean() });
const refundSchema = z.object({
  id: z.string(),
  refundLineItems: z.object({
    nodes: z.array(
      z.object({
        lineItem: z.object({ id: z.string() }),
        quantity: z.int(),
        restockType: z.string(),
      }),
    ),
    pageInfo,
  }),
});
const answerSchema = z.object({
  order: z
    .object({
      id: z.string(),
      updatedAt: z.string(),
      cancelledAt: z.string().nullable(),
      displayFinancialStatus: z.string().nullable(),
      displayFulfillmentStatus: z.string(),
      retailLocation: z.object({ id: z.string() }).nullable(),
      lineItems: z.object({
        nodes: z.array(
          z.object({
            id: z.string(),
            sku: z.string().nullable(),
            variant: z.object({ id: z.string() }).nullable(),
            quantity: z.int(),
            currentQuantity: z.int(),
          }),
        ),
        pageInfo,
      }),
      refunds: z.array(refundSchema),
    })
    .nullable(),
});
type Order = NonNullable<z.infer<typeof answerSchema>['order']>;

/** What has left the house, in the words of webhooks; they have none for other states. */
const fulfillments: ReadonlyMap<string, string> = new Map([
  ['FULFILLED', 'fulfilled'],
  ['PARTIALLY_FULFILLED', 'partial'],
  ['RESTOCKED', 'restocked'],
]);

/**
 * Asks for an order as it is by now. One that is too long to be told in one answer is left to the
 * webhooks that carry it whole.
 */
export async function fetchOrder(
  client: HttpClient,
  orderId: string,
  context: ShopifyContext,
): Promise<FetchOrderResult> {
  const answer = await callGraphql(client, context, {
    document: orderDocument,
    variables: { id: `gid://shopify/Order/${orderId}` },
    data: answerSchema,
  });
  if (!answer.ok) return { ok: false, failure: answer.failure };
  const { order } = answer.data;
  if (order === null || !isWhole(order)) return { ok: true, order: null };
  return { ok: true, order: orderOf(payloadOf(order), undefined) };
}

function isWhole({ lineItems, refunds }: Order): boolean {
  const pages = [lineItems, ...refunds.map((refund) => refund.refundLineItems)];
  return refunds.length < mostRefunds && pages.every((page) => !page.pageInfo.hasNextPage);
}

/** The same in the form of the webhooks. */
function payloadOf(order: Order): unknown {
  return {
    ...namesOf(order.id),
    updated_at: order.updatedAt,
    cancelled_at: order.cancelledAt,
    financial_status: order.displayFinancialStatus?.toLowerCase() ?? null,
    fulfillment_status: fulfillments.get(order.displayFulfillmentStatus) ?? null,
    location_id: order.retailLocation === null ? null : namesOf(order.retailLocation.id).id,
    line_items: order.lineItems.nodes.map(({ id, sku, variant, quantity, currentQuantity }) => {
      const ofVariant = variant === null ? { variant_id: null } : {};
      return { ...namesOf(id), ...ofVariant, sku, quantity, current_quantity: currentQuantity };
    }),
    refunds: order.refunds.map(({ id, refundLineItems }) => ({
      ...namesOf(id),
      refund_line_items: refundLineItems.nodes.map(({ lineItem, quantity, restockType }) => ({
        line_item_id: namesOf(lineItem.id).id,
        quantity,
        restock_type: restockType.toLowerCase(),
      })),
    })),
  };
}

function namesOf(globalId: string): { readonly id: number; readonly admin_graphql_api_id: string } {
  return { id: Number(/\d+$/.exec(globalId)?.[0]), admin_graphql_api_id: globalId };
}

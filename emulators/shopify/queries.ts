import type { EmulatedItem, EmulatedLocation, ShopState } from './state.ts';

type Page = { readonly first?: number | null; readonly after?: string | null };

/** What the queries find. Names and arguments are the schema's, which checks them. */
export function queryRoot(state: ShopState): Record<string, unknown> {
  return {
    shop: () => ({ id: 'gid://shopify/Shop/1', myshopifyDomain: state.shopDomain }),
    currentAppInstallation: () => ({
      accessScopes: state.scopes.map((handle) => ({ handle, description: handle })),
    }),
    nodes: ({ ids }: { readonly ids: readonly string[] }) => ids.map((id) => nodeOf(state, id)),
    order: ({ id }: { readonly id: string }) => orderNode(state, id),
    fulfillmentOrders: (page: Page) => connection(fulfillmentNodes(state), page),
    locations: (page: Page) =>
      connection(
        state.locations.map((location) => locationNode(state, location)),
        page,
      ),
  };
}

function nodeOf(state: ShopState, id: string): unknown {
  const item = state.items[id];
  if (item !== undefined) return itemNode(state, item);
  const location = state.locations.find((one) => one.id === id);
  return location === undefined ? null : locationNode(state, location);
}

function itemNode(state: ShopState, item: EmulatedItem): { readonly id: string } {
  const { id, sku, tracked, title } = item;
  const variant = { id: id.replace('InventoryItem', 'ProductVariant'), displayName: title };
  const node = {
    __typename: 'InventoryItem',
    id,
    sku,
    tracked,
    variants: (page: Page) => connection([variant], page),
    inventoryLevel: ({ locationId }: { readonly locationId: string }) => {
      return levelNode(state, item, locationId);
    },
  };
  return node;
}

function locationNode(state: ShopState, location: EmulatedLocation): { readonly id: string } {
  const node = {
    __typename: 'Location',
    ...location,
    inventoryLevels: (page: Page) =>
      connection(
        Object.values(state.items).flatMap((item) => levelNode(state, item, location.id) ?? []),
        page,
      ),
  };
  return node;
}

function levelNode(
  state: ShopState,
  item: EmulatedItem,
  locationId: string,
): { readonly id: string } | null {
  const available = item.available[locationId];
  if (available === undefined) return null;
  const place = `gid://shopify/InventoryLevel/${number(locationId)}`;
  const id = `${place}?inventory_item_id=${number(item.id)}`;
  const node = {
    __typename: 'InventoryLevel',
    id,
    item: () => itemNode(state, item),
    quantities: ({ names }: { readonly names: readonly string[] }) =>
      names.map((name) => ({ id: `${id}/${name}`, name, quantity: available })),
  };
  return node;
}

const lineGid = (line: number): string => `gid://shopify/LineItem/${line}`;

function orderNode(state: ShopState, id: string): unknown {
  const order = state.orders[number(id)];
  if (order === undefined) return null;
  const lines = order.lines.map((line) => ({
    id: lineGid(line.id),
    sku: line.sku,
    quantity: line.quantity,
    currentQuantity: line.current,
  }));
  return {
    id,
    updatedAt: order.updatedAt,
    cancelledAt: order.cancelledAt,
    displayFinancialStatus: order.financialStatus.toUpperCase(),
    displayFulfillmentStatus: 'UNFULFILLED',
    retailLocation: null,
    lineItems: (page: Page) => connection(lines, page),
    refunds: ({ first }: Page) =>
      order.refunds.slice(0, first ?? undefined).map((refund) => ({
        id: `gid://shopify/Refund/${refund.id}`,
        refundLineItems: (page: Page) => {
          const { lineId, quantity, restockType } = refund;
          const node = {
            id: `${refund.id}`,
            lineItem: { id: lineGid(lineId) },
            quantity,
            restockType: restockType.toUpperCase(),
          };
          return connection([node], page);
        },
      })),
  };
}

/** What of open orders has not left yet: here nothing has. */
function fulfillmentNodes(state: ShopState): readonly { readonly id: string }[] {
  const open = Object.values(state.orders).filter(({ cancelledAt }) => cancelledAt === null);
  return open.map(({ id, locationId, lines }) => {
    const location = state.locations.find((one) => one.id === locationId);
    const waiting = lines.map((line) => ({
      id: `gid://shopify/FulfillmentOrderLineItem/${line.id}`,
      sku: line.sku,
      remainingQuantity: line.current,
    }));
    return {
      id: `gid://shopify/FulfillmentOrder/${id}`,
      status: 'OPEN',
      assignedLocation: { location: location && locationNode(state, location) },
      lineItems: (page: Page) => connection(waiting, page),
    };
  });
}

function number(gid: string): string {
  return gid.slice(gid.lastIndexOf('/') + 1);
}

/** A page of a list, from the first that comes after the cursor. */
function connection(all: readonly { readonly id: string }[], { first, after }: Page): unknown {
  const begin = all.findIndex(({ id }) => id === after) + 1;
  const nodes = all.slice(begin, begin + (first ?? 0));
  const pageInfo = {
    hasNextPage: begin + nodes.length < all.length,
    hasPreviousPage: begin > 0,
    startCursor: nodes[0]?.id ?? null,
    endCursor: nodes.at(-1)?.id ?? null,
  };
  return { nodes, edges: nodes.map((node) => ({ node, cursor: node.id })), pageInfo };
}

// Everything that is asked of Shopify. A test validates each against Shopify's own schema.

/**
 * Sets what can be sold, all rows or none. The directive makes a repeat with the same key give the
 * first answer again instead of doing it twice.
 */
export const setQuantitiesDocument = `mutation SetQuantities(
  $input: InventorySetQuantitiesInput!
  $key: String!
) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup {
      id
    }
    userErrors {
      field
      code
    }
  }
}`;

/** What some items show at one location. */
export const levelsDocument = `query Levels($ids: [ID!]!, $locationId: ID!) {
  nodes(ids: $ids) {
    ... on InventoryItem {
      id
      inventoryLevel(locationId: $locationId) {
        quantities(names: ["available"]) {
          name
          quantity
        }
      }
    }
  }
}`;

/** Whose token it is, and what it may do. */
export const grantDocument = `query Grant {
  shop {
    myshopifyDomain
  }
  currentAppInstallation {
    accessScopes {
      handle
    }
  }
}`;

/** One location, and a page of what is stocked there. */
export const stockDocument = `query Stock(
  $afterLocation: String
  $afterLevel: String
  $levels: Int!
) {
  locations(first: 1, after: $afterLocation) {
    nodes {
      id
      name
      inventoryLevels(first: $levels, after: $afterLevel) {
        nodes {
          item {
            id
            sku
            tracked
            variants(first: 1) {
              nodes {
                displayName
              }
            }
          }
          quantities(names: ["available"]) {
            name
            quantity
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}`;

/** A whole order, as far as it tells of stock. By Shopify's rules it costs some 640 points. */
export const orderDocument = `query Order($id: ID!) {
  order(id: $id) {
    id
    updatedAt
    cancelledAt
    displayFinancialStatus
    displayFulfillmentStatus
    retailLocation {
      id
    }
    lineItems(first: 100) {
      nodes {
        id
        sku
        variant {
          id
        }
        quantity
        currentQuantity
      }
      pageInfo {
        hasNextPage
      }
    }
    refunds(first: 10) {
      id
      refundLineItems(first: 25) {
        nodes {
          lineItem {
            id
          }
          quantity
          restockType
        }
        pageInfo {
          hasNextPage
        }
      }
    }
  }
}`;

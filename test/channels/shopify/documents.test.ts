import { getVariableValues, parse, validate, type OperationDefinitionNode } from 'graphql';
import { expect, test } from 'vitest';
import { shopifySchema } from '../../../emulators/shopify/schema.ts';
import * as documents from '../../../src/channels/shopify/documents.ts';

const shipped = Object.entries(documents);
const { setQuantitiesDocument, levelsDocument, grantDocument, orderDocument, stockDocument } =
  documents;
const ids = {
  inventoryItemId: 'gid://shopify/InventoryItem/1',
  locationId: 'gid://shopify/Location/2',
};
const row = { ...ids, quantity: 3, changeFromQuantity: null };
const input = { name: 'available', reason: 'correction', quantities: [row] };

test.each(shipped)('%s is valid by the schema of Shopify', (_, document) => {
  expect(validate(shopifySchema(), parse(document))).toEqual([]);
});

test('the check finds a field, an argument and a directive that Shopify does not have', () => {
  const broken = [
    levelsDocument.replace('quantity\n', 'quantities\n'),
    levelsDocument.replace('locationId: $locationId', 'location: $locationId'),
    setQuantitiesDocument.replace('@idempotent(key: $key)', '@idempotency(key: $key)'),
  ];
  for (const document of broken) {
    expect(shipped.map(([, text]) => text)).not.toContain(document);
    expect(validate(shopifySchema(), parse(document))).not.toEqual([]);
  }
});

function problemsOf(document: string, variables: Record<string, unknown>): readonly string[] {
  const [operation] = parse(document).definitions as readonly OperationDefinitionNode[];
  const definitions = operation?.variableDefinitions ?? [];
  const { errors = [] } = getVariableValues(shopifySchema(), definitions, variables);
  return errors.map(({ message }) => message);
}

test.each([
  [setQuantitiesDocument, { key: 'msg_1', input }],
  [levelsDocument, { ids: [ids.inventoryItemId], locationId: ids.locationId }],
  [grantDocument, {}],
  [orderDocument, { id: 'gid://shopify/Order/1' }],
  [stockDocument, { afterLocation: null, afterLevel: null, levels: 100 }],
] as const)('the variables of a document are what the schema takes: %s', (document, variables) => {
  expect(problemsOf(document, variables)).toEqual([]);
});

test('a field of an older version is refused', () => {
  const older = { key: 'msg_1', input: { ...input, ignoreCompareQuantity: true } };
  expect(problemsOf(setQuantitiesDocument, older)).toHaveLength(1);
});

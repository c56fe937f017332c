import { getDirectiveValues, GraphQLError, type GraphQLResolveInfo } from 'graphql';
import { shopifySchema } from './schema.ts';
import { writeAvailable, type ShopState } from './state.ts';

type Row = {
  readonly inventoryItemId: string;
  readonly locationId: string;
  readonly quantity: number;
  /** Has to be there, if only as null: the schema does not say so. */
  readonly changeFromQuantity?: number | null;
};

type Input = {
  readonly name: string;
  readonly reason: string;
  readonly quantities: readonly Row[];
};

type UserError = {
  readonly field: readonly string[] | null;
  readonly message: string;
  readonly code: string;
};

type Payload = {
  readonly inventoryAdjustmentGroup: unknown;
  readonly userErrors: readonly UserError[];
};

const reasons = new Set(
  (
    'correction cycle_count_available damaged movement_canceled movement_created ' +
    'movement_received movement_updated other promotion quality_control received ' +
    'reservation_created reservation_deleted reservation_updated restock safety_stock shrinkage'
  ).split(' '),
);
const highest = 1_000_000_000;

/**
 * The mutation as it behaves beyond its schema: the directive and `changeFromQuantity` are
 * mandatory, a key is answered once, and all rows are set or none.
 */
export function setQuantities(
  state: ShopState,
  { input }: { readonly input: Input },
  info: GraphQLResolveInfo,
  options: { readonly now: number; readonly keysLastMs: number },
): Payload {
  const key = keyOf(info);
  const name = 'changeFromQuantity';
  if (input.quantities.some((row) => !Object.hasOwn(row, name))) {
    const text = `InventoryQuantityInput must include the following argument: ${name}.`;
    throw new GraphQLError(text, { extensions: { code: 'INVALID_FIELD_ARGUMENTS' } });
  }
  const content = JSON.stringify(input);
  const known = state.keys[key];
  if (known !== undefined && options.now - known.at < options.keysLastMs) {
    known.repeats += 1;
    return answerAgain(state, key, content);
  }
  const payload = work(state, input, key);
  state.keys[key] = { content, status: 'done', payload, at: options.now, repeats: 0 };
  return payload;
}

function keyOf(info: GraphQLResolveInfo): string {
  const directive = shopifySchema().getDirective('idempotent');
  const [node] = info.fieldNodes;
  if (directive === null || directive === undefined || node === undefined) {
    throw new Error('the schema has no directive for idempotency');
  }
  const key = getDirectiveValues(directive, node, info.variableValues)?.['key'];
  if (typeof key === 'string' && key !== '') return key;
  throw new GraphQLError(
    'The @idempotent directive is required for this mutation but was not provided.',
    { extensions: { code: 'BAD_REQUEST' } },
  );
}

function answerAgain(state: ShopState, key: string, content: string): Payload {
  const known = state.keys[key];
  if (known === undefined) throw new Error(`the key ${key} is not known`);
  if (known.content !== content) {
    state.mismatches.push(key);
    return refusedAs(
      'IDEMPOTENCY_KEY_PARAMETER_MISMATCH',
      'The same idempotency key cannot be used with different operation parameters.',
    );
  }
  if (known.status === 'running') {
    return refusedAs('IDEMPOTENCY_CONCURRENT_REQUEST', 'A request with this key is in progress.');
  }
  if (known.status === 'failed') {
    return refusedAs('IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED', 'The previous attempt failed.');
  }
  return known.payload as Payload;
}

function refusedAs(code: string, message: string): Payload {
  return { inventoryAdjustmentGroup: null, userErrors: [{ field: null, code, message }] };
}

function work(state: ShopState, input: Input, key: string): Payload {
  const errors = problemsOf(state, input);
  if (errors.length > 0) return { inventoryAdjustmentGroup: null, userErrors: errors };
  const stale = input.quantities.flatMap((row, index) => {
    const shown = state.items[row.inventoryItemId]?.available[row.locationId];
    const { changeFromQuantity: from } = row;
    return from === null || from === undefined || from === shown
      ? []
      : [errorAt(index, 'changeFromQuantity', 'CHANGE_FROM_QUANTITY_STALE')];
  });
  if (stale.length > 0) return { inventoryAdjustmentGroup: null, userErrors: stale };

  // From here on it must succeed.
  const changes = input.quantities.flatMap((row) => changesOf(state, row, key));
  if (changes.length === 0) return { inventoryAdjustmentGroup: null, userErrors: [] };
  state.lastId += 1;
  const id = `gid://shopify/InventoryAdjustmentGroup/${state.lastId}`;
  const group = { id, reason: input.reason, referenceDocumentUri: null, changes };
  return { inventoryAdjustmentGroup: group, userErrors: [] };
}

/** Sets one row. A changed one has two changes: of what can be sold and of what is there. */
function changesOf(state: ShopState, row: Row, key: string): unknown[] {
  const { inventoryItemId: itemId, locationId, quantity: to } = row;
  const shown = state.items[itemId]?.available[locationId] ?? 0;
  if (shown === to) return [];
  writeAvailable(state, { itemId, locationId, to, by: 'app', key });
  const change = { delta: to - shown, quantityAfterChange: null, ledgerDocumentUri: null };
  return ['available', 'on_hand'].map((name) => ({ ...change, name }));
}

function problemsOf(state: ShopState, { name, reason, quantities }: Input): readonly UserError[] {
  const errors: UserError[] = [];
  if (name !== 'available' && name !== 'on_hand') {
    const message = "The quantity name must be either 'available' or 'on_hand'.";
    errors.push({ field: ['input', 'name'], message, code: 'INVALID_NAME' });
  }
  if (!reasons.has(reason)) {
    const message = `The reason is invalid. Valid values are: ${[...reasons].join(', ')}.`;
    errors.push({ field: ['input', 'reason'], message, code: 'INVALID_REASON' });
  }
  const seen = new Set<string>();
  for (const [index, row] of quantities.entries()) {
    errors.push(...problemsOfRow(state, row, index));
    const pair = `${row.inventoryItemId} ${row.locationId}`;
    if (seen.has(pair)) {
      errors.push(errorAt(index, 'locationId', 'NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR'));
    }
    seen.add(pair);
  }
  return errors;
}

function problemsOfRow(state: ShopState, row: Row, index: number): readonly UserError[] {
  const errors: UserError[] = [];
  const item = state.items[row.inventoryItemId];
  const hasLocation = state.locations.some(({ id }) => id === row.locationId);
  if (item === undefined) errors.push(errorAt(index, 'inventoryItemId', 'INVALID_INVENTORY_ITEM'));
  if (!hasLocation) errors.push(errorAt(index, 'locationId', 'INVALID_LOCATION'));
  if (item !== undefined && hasLocation && item.available[row.locationId] === undefined) {
    errors.push(errorAt(index, 'locationId', 'ITEM_NOT_STOCKED_AT_LOCATION'));
  }
  if (row.quantity > highest) errors.push(errorAt(index, 'quantity', 'INVALID_QUANTITY_TOO_HIGH'));
  if (row.quantity < -highest) errors.push(errorAt(index, 'quantity', 'INVALID_QUANTITY_TOO_LOW'));
  return errors;
}

/** The index in a field is text. */
function errorAt(index: number, field: string, code: string): UserError {
  const path = ['input', 'quantities', String(index), field];
  return { field: path, code, message: `${field} of row ${index}: ${code}` };
}

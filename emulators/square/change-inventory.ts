import type { EmulatedAnswer } from '../emulator.ts';
import { errorAnswer } from './errors.ts';
import { addFact, newestCount, quantityOf, type SellerState } from './state.ts';

const mostChanges = 100;
const dayMs = 24 * 3_600_000;

type PhysicalCount = {
  readonly catalog_object_id: string;
  readonly location_id: string;
  readonly state: string;
  readonly quantity: string;
  readonly occurred_at: string;
};
type Body = {
  readonly idempotency_key?: string;
  readonly changes?: readonly { readonly type?: string; readonly physical_count?: PhysicalCount }[];
  readonly ignore_unchanged_counts?: boolean | null;
};

/**
 * `BatchChangeInventory`, physical counts only: all of them or none. A key is answered once, and
 * again with the same answer; with other content it is refused. What was refused has used no key.
 */
export function changeInventory(text: string, state: SellerState, now: number): EmulatedAnswer {
  const body = JSON.parse(text) as Body;
  const { idempotency_key: key = '', changes = [] } = body;
  if (key.length < 1 || key.length > 128) {
    return errorAnswer(400, key === '' ? 'VALUE_TOO_SHORT' : 'VALUE_TOO_LONG', {
      field: 'idempotency_key',
    });
  }
  const known = state.keys[key];
  if (known !== undefined && known.content !== text) {
    state.mismatches.push(key);
    return errorAnswer(400, 'IDEMPOTENCY_KEY_REUSED', { field: 'idempotency_key' });
  }
  if (known !== undefined) {
    known.repeats += 1;
    return { status: 200, body: known.answer };
  }
  if (changes.length > mostChanges) {
    return errorAnswer(400, 'ARRAY_LENGTH_TOO_LONG', { field: 'changes' });
  }
  for (const [index, change] of changes.entries()) {
    const problem = problemOf(change, state, now);
    if (problem === undefined) continue;
    const field = `changes[${index}].physical_count.${problem.member}`;
    return errorAnswer(problem.status, problem.code, { field });
  }
  const counts = changes.flatMap(({ physical_count: count }) => (count ? [count] : []));
  for (const count of counts) take(count, state, key, body.ignore_unchanged_counts ?? true);
  const told = counts.filter(
    (count) => state.variations[count.catalog_object_id]?.isEstimated !== true,
  );
  const answer =
    told.length === 0
      ? {}
      : { counts: told.map((count) => countBody(count, state, now)), errors: [] };
  state.keys[key] = { content: text, answer, repeats: 0 };
  return { status: 200, body: answer };
}

type Problem = { readonly status: number; readonly code: string; readonly member: string };

function invalid(code: string, member: string): Problem {
  return { status: 400, code, member };
}

function problemOf(
  { type, physical_count: count }: NonNullable<Body['changes']>[number],
  state: SellerState,
  now: number,
): Problem | undefined {
  if (type !== 'PHYSICAL_COUNT' || count === undefined) return invalid('INVALID_VALUE', 'type');
  const { catalog_object_id: id, location_id: place, quantity, occurred_at: at } = count;
  if (typeof quantity !== 'string') return invalid('EXPECTED_STRING', 'quantity');
  if (!/^\d+(\.\d{1,5})?$/.test(quantity)) return invalid('INVALID_VALUE', 'quantity');
  if (count.state !== 'IN_STOCK') return invalid('INVALID_VALUE', 'state');
  const time = Date.parse(at);
  if (Number.isNaN(time) || !at.includes('T')) return invalid('INVALID_TIME', 'occurred_at');
  if (time > now || time < now - dayMs) return invalid('INVALID_TIME', 'occurred_at');
  if (!state.locations.some((one) => one.id === place)) {
    return invalid('INVALID_VALUE', 'location_id');
  }
  if (state.variations[id] === undefined) {
    return { status: 404, code: 'NOT_FOUND', member: 'catalog_object_id' };
  }
  return undefined;
}

/** A count like the newest one is dropped where that is asked for, whatever was sold since. */
function take(
  count: PhysicalCount,
  state: SellerState,
  key: string,
  ignoresUnchanged: boolean,
): void {
  const { catalog_object_id: id, location_id: place } = count;
  const quantity = Number(count.quantity);
  const newest = newestCount(state.facts[`${id} ${place}`] ?? []);
  if (ignoresUnchanged && newest?.quantity === quantity) return;
  const occurredAt = Date.parse(count.occurred_at);
  addFact(state, id, place, { kind: 'count', quantity, occurredAt, by: 'api', key });
}

export function countBody(
  about: Pick<PhysicalCount, 'catalog_object_id' | 'location_id'>,
  state: SellerState,
  now: number,
): Record<string, unknown> {
  const { catalog_object_id: id, location_id: place } = about;
  return {
    catalog_object_id: id,
    catalog_object_type: 'ITEM_VARIATION',
    state: 'IN_STOCK',
    location_id: place,
    quantity: String(quantityOf(state, id, place) ?? 0),
    calculated_at: new Date(now).toISOString(),
  };
}

import { expect, test } from 'vitest';
import { decideAdjust, decideSet, isRefusal } from '../../src/stock/decide.ts';
import type { AdjustableQuantity, Level } from '../../src/stock/level.ts';

/** A level of 10 on hand, 3 reserved (1 of them ended), 2 allocated: 6 available. */
function aLevel(changes: Partial<Level> = {}): Level {
  return {
    merchantId: 'm',
    sku: 's',
    storeId: 'main',
    exists: true,
    storeExists: true,
    onHand: 10,
    reserved: 3,
    expiredHolds: 1,
    nextHoldEndsMs: Number.POSITIVE_INFINITY,
    allocated: 2,
    openOrders: 0,
    pendingSales: 0,
    unavailable: 0,
    safetyStock: 0,
    incoming: 0,
    version: 4,
    updatedAtMs: 0,
    ...changes,
  };
}

const none = aLevel({
  exists: false,
  onHand: 0,
  reserved: 0,
  expiredHolds: 0,
  nextHoldEndsMs: Number.POSITIVE_INFINITY,
  allocated: 0,
  version: 0,
});
const oversold = aLevel({ onHand: 1, allocated: 5 });
const max = 2_147_483_647;

type AdjustCase = [
  level: Level,
  quantity: AdjustableQuantity,
  delta: number,
  mode: 'guarded' | 'fact',
  expected: string,
];

// Inputs in columns, what is expected last.
const adjustCases: AdjustCase[] = [
  [aLevel(), 'onHand', -6, 'guarded', 'applied'],
  [aLevel(), 'onHand', -7, 'guarded', 'STOCK.INSUFFICIENT 6 of 7'],
  [aLevel(), 'onHand', -7, 'fact', 'applied'],
  [aLevel(), 'onHand', -10, 'fact', 'applied'],
  [aLevel(), 'onHand', -11, 'fact', 'STOCK.INSUFFICIENT 10 of 11'],
  [aLevel(), 'onHand', 0, 'guarded', 'applied'],
  [aLevel(), 'allocated', 6, 'guarded', 'applied'],
  [aLevel(), 'allocated', 7, 'guarded', 'STOCK.INSUFFICIENT 6 of 7'],
  [aLevel(), 'allocated', 7, 'fact', 'applied'],
  [aLevel(), 'allocated', -3, 'guarded', 'STOCK.INSUFFICIENT 2 of 3'],
  [aLevel(), 'openOrders', 7, 'guarded', 'STOCK.INSUFFICIENT 6 of 7'],
  [aLevel(), 'pendingSales', 7, 'guarded', 'STOCK.INSUFFICIENT 6 of 7'],
  [aLevel(), 'unavailable', 7, 'guarded', 'STOCK.INSUFFICIENT 6 of 7'],
  [aLevel(), 'incoming', max, 'guarded', 'applied'],
  [aLevel(), 'incoming', -1, 'guarded', 'STOCK.INSUFFICIENT 0 of 1'],
  [aLevel(), 'onHand', max, 'guarded', 'STOCK.OUT_OF_RANGE'],
  [oversold, 'onHand', 1, 'guarded', 'applied'],
  [oversold, 'onHand', -1, 'guarded', 'STOCK.INSUFFICIENT -6 of 1'],
  [oversold, 'allocated', -1, 'guarded', 'applied'],
  [none, 'onHand', 5, 'guarded', 'applied'],
  [none, 'onHand', -5, 'guarded', 'STOCK.INSUFFICIENT 0 of 5'],
  [none, 'onHand', 0, 'guarded', 'STOCK.NOT_FOUND'],
  [aLevel({ storeExists: false }), 'onHand', 5, 'guarded', 'STORE.NOT_FOUND'],
];

test.each(adjustCases)(
  'adjust case %#: %o %s %i %s -> %s',
  (level, quantity, delta, mode, expected) => {
    expect(summarise(decideAdjust(level, { quantity, delta, mode }))).toBe(expected);
  },
);

test('guards come in their documented order: store, If-Match, expected version, stock', () => {
  const everythingWrong = { quantity: 'onHand', delta: -99, mode: 'guarded' } as const;
  const wrong = { ...everythingWrong, ifMatch: [9], expectedVersion: 9 };
  const nowhere = aLevel({ storeExists: false });
  expect(summarise(decideAdjust(nowhere, wrong))).toBe('STORE.NOT_FOUND');
  expect(summarise(decideAdjust(aLevel(), wrong))).toBe('STOCK.PRECONDITION_FAILED');
  expect(summarise(decideAdjust(aLevel(), { ...wrong, ifMatch: [4] }))).toBe(
    'STOCK.VERSION_CONFLICT',
  );
  expect(summarise(decideAdjust(aLevel(), { ...wrong, ifMatch: '*', expectedVersion: 4 }))).toBe(
    'STOCK.INSUFFICIENT 6 of 99',
  );
});

test('a version refusal carries the current level', () => {
  const decision = decideAdjust(aLevel(), {
    quantity: 'onHand',
    delta: 1,
    mode: 'guarded',
    expectedVersion: 3,
  });
  expect(decision).toMatchObject({ data: { level: { version: 4, available: 6, reserved: 2 } } });
});

test('a count is a fact: it may leave less than nothing available', () => {
  expect(decideSet(aLevel(), { onHand: 1 })).toEqual([{ quantity: 'onHand', delta: -9 }]);
  expect(decideSet(none, { onHand: 0 })).toEqual([{ quantity: 'onHand', delta: 0 }]);
  expect(summarise(decideSet(none, { onHand: 1, ifMatch: '*' }))).toBe('STOCK.PRECONDITION_FAILED');
  expect(summarise(decideSet(none, { onHand: 1, expectedVersion: 0 }))).toBe('applied');
});

function summarise(decision: ReturnType<typeof decideAdjust>): string {
  if (!isRefusal(decision)) return 'applied';
  if (decision.code !== 'STOCK.INSUFFICIENT') return decision.code;
  const { available, requested } = decision.data ?? {};
  return `${decision.code} ${String(available)} of ${String(requested)}`;
}

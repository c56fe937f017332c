import { expect, test } from 'vitest';
import { planUnits } from '../../src/inbox/plan-order.ts';

const none = { held: 0, sold: 0 };

test.each([
  ['a paid order takes from on hand', 'confirmed', 3, none, 10, { held: 0, sold: 3 }],
  ['one that waits for its payment is held', 'pending', 3, none, 10, { held: 3, sold: 0 }],
  ['what on hand has not is held', 'confirmed', 3, none, 1, { held: 2, sold: 1 }],
  ['paid later', 'confirmed', 3, { held: 3, sold: 0 }, 10, { held: 0, sold: 3 }],
  ['one more', 'confirmed', 4, { held: 0, sold: 3 }, 0, { held: 1, sold: 3 }],
  ['one less', 'confirmed', 2, { held: 0, sold: 3 }, 0, { held: 0, sold: 2 }],
  [
    'what is held is given back first',
    'confirmed',
    2,
    { held: 1, sold: 2 },
    0,
    { held: 0, sold: 2 },
  ],
  ['cancelled', 'cancelled', 3, { held: 1, sold: 2 }, 0, none],
  ['all returned', 'confirmed', 0, { held: 1, sold: 2 }, 0, none],
] as const)('%s', (_what, status, wanted, applied, onHand, units) => {
  expect(planUnits(status, wanted, applied, onHand)).toEqual(units);
});

import type { Control } from '../control.ts';
import { channelControls } from './channels.ts';
import { deliveryControls } from './delivery.ts';
import { faultControls } from './faults.ts';
import { httpControls } from './http.ts';
import { idempotencyControls } from './idempotency.ts';
import { inputControls } from './input.ts';
import { merchantControls } from './merchants.ts';
import { outboxControls } from './outbox.ts';
import { reconciliationControls } from './reconciliation.ts';
import { reservationControls } from './reservations.ts';
import { roundControls } from './rounds.ts';
import { safetyStockControls } from './safety-stock.ts';
import { sourceControls } from './sources.ts';
import { stockBetweenControls } from './stock-between.ts';
import { stockControls } from './stock.ts';

/** Every control. A promise that is new gets one: the test that guards it is then seen to. */
export const controls: readonly Control[] = [
  ...stockControls,
  ...stockBetweenControls,
  ...idempotencyControls,
  ...reservationControls,
  ...outboxControls,
  ...deliveryControls,
  ...roundControls,
  ...channelControls,
  ...httpControls,
  ...inputControls,
  ...merchantControls,
  ...reconciliationControls,
  ...faultControls,
  ...sourceControls,
  ...safetyStockControls,
];

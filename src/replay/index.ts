export { openStock } from './open-stock.ts';
export type { OpeningReport } from './open-stock.ts';
export type { OrderKind, ReplayOrder, ReplayTarget } from './order.ts';
export { replayOrders } from './replay-orders.ts';
export type { ReplayReport } from './replay-orders.ts';
export type { ReplayContext } from './run-wave.ts';
export { withReplayLock } from './lock.ts';
export type { ReplayOrderTable } from './tables.ts';

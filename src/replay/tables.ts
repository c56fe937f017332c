import type { OrderKind } from './order.ts';

export type ReplayOrderTable = {
  merchant_id: string;
  location_id: string;
  order_id: string;
  kind: OrderKind;
  fingerprint: string;
  outcome: 'applied' | 'refused' | null;
  code: string | null;
  begun_at: Date;
};

declare module '../db/database.ts' {
  interface Tables {
    replay_order: ReplayOrderTable;
  }
}

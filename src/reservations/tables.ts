import type { ColumnType } from 'kysely';

/** `returned`: the order was cancelled after its stock had been taken. */
export const reservationStatuses = [
  'active',
  'committed',
  'released',
  'expired',
  'returned',
] as const;

export type ReservationStatus = (typeof reservationStatuses)[number];

/** `cancelled`: the order was cancelled while its stock was held only. Shown as released. */
export type StoredStatus = ReservationStatus | 'cancelled';

export type ReservationTable = {
  merchant_id: string;
  reservation_id: string;
  order_id: string | null;
  status: ColumnType<StoredStatus, StoredStatus, StoredStatus>;
  late: boolean;
  expires_at: Date;
  created_at: Date;
  updated_at: Date;
};

export type ReservationLineTable = {
  merchant_id: string;
  reservation_id: string;
  sku: string;
  location_id: string;
  quantity: number;
  held_until: Date | null;
};

declare module '../db/database.ts' {
  interface Tables {
    reservation: ReservationTable;
    reservation_line: ReservationLineTable;
  }
}

import type { Generated } from 'kysely';

export type OutboxMessageTable = {
  merchant_id: string;
  message_id: Generated<number>;
  sku: string;
  location_id: string;
  version: number;
  recorded_at: Date;
};

declare module '../db/database.ts' {
  interface Tables {
    outbox_message: OutboxMessageTable;
  }
}

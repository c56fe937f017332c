export type IdempotencyKeyTable = {
  merchant_id: string;
  key: string;
  fingerprint: string;
  status: number | null;
  body: string | null;
  created_at: Date;
  expires_at: Date;
};

declare module '../db/database.ts' {
  interface Tables {
    idempotency_key: IdempotencyKeyTable;
  }
}

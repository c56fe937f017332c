import type { Generated } from 'kysely';

export type MerchantTable = {
  merchant_id: string;
  name: string | null;
  created_at: Generated<Date>;
};

/** `root`: the instance's admin key, for every merchant; `admin`: manages its merchant's keys. */
export type KeyRole = 'root' | 'admin' | 'member';

export type ApiKeyTable = {
  merchant_id: string;
  key_id: string;
  name: string;
  role: KeyRole;
  key_hash: Buffer;
  created_at: Generated<Date>;
  revoked_at: Date | null;
};

declare module '../db/database.ts' {
  interface Tables {
    merchant: MerchantTable;
    api_key: ApiKeyTable;
  }
}

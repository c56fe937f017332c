import type { Generated } from 'kysely';

/**
 * `pending`: somebody has to approve of what is to be done. `settling`: it is being done.
 * `settled`: done. `ignored`: nothing is done. `superseded`: another figure was seen before it was
 * settled, and a later drift tells the rest.
 */
export type DriftStatus = 'pending' | 'settling' | 'settled' | 'ignored' | 'superseded';

export type DriftTable = {
  merchant_id: string;
  drift_id: string;
  sku: string;
  location_id: string;
  channel_id: string | null;
  source_id: string | null;
  expected: number;
  observed: number;
  units: number;
  cause: string;
  action: string;
  status: DriftStatus;
  found_at: Generated<Date>;
  updated_at: Generated<Date>;
  settled_at: Date | null;
};

declare module '../db/database.ts' {
  interface Tables {
    drift: DriftTable;
  }
}

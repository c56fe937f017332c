import type { Generated } from 'kysely';
import type { Strategy } from './wanted-units.ts';

export type SafetyBufferTable = {
  merchant_id: string;
  category: string;
  sku: string;
  location_id: string;
  strategy: Strategy;
  units: number | null;
  percentage: number | null;
  lead_time_days: number | null;
  service_level: number | null;
  window_days: number | null;
  updated_at: Date;
};

export type SafetyCategoryTable = {
  merchant_id: string;
  sku: string;
  category: string;
};

export type SafetyDemandTable = {
  merchant_id: string;
  sku: string;
  location_id: string;
  window_days: number;
  until_day: string;
  days: number;
  mean: number;
  sigma: number | null;
};

export type SafetyRunTable = {
  merchant_id: string;
  requested_at: Date | null;
  next_run_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  levels: Generated<number>;
  changed: Generated<number>;
  defaults: string | null;
  followed: number | null;
};

declare module '../db/database.ts' {
  interface Tables {
    safety_buffer: SafetyBufferTable;
    safety_category: SafetyCategoryTable;
    safety_demand: SafetyDemandTable;
    safety_run: SafetyRunTable;
  }
}

import type { Selectable } from 'kysely';
import type { SafetyBufferTable } from './tables.ts';
import type { Policy, Strategy } from './wanted-units.ts';

/** What a rule is for: a SKU, a category, or everything; at a location, or everywhere. */
export type BufferScope = {
  readonly sku?: string | undefined;
  readonly category?: string | undefined;
  readonly storeId?: string | undefined;
};

/** A rule as it was set: what is null holds as the settings say. */
export type BufferRule = {
  readonly strategy: Strategy;
  readonly units: number | null;
  readonly percentage: number | null;
  readonly leadTimeDays: number | null;
  readonly serviceLevel: number | null;
  readonly windowDays: number | null;
};

/** A rule as the API shows it. */
export type BufferView = BufferRule & {
  readonly sku: string | null;
  readonly category: string | null;
  readonly storeId: string | null;
  readonly updatedAt: string;
};

/** Stands for any in a rule's key; nothing can be called so. */
const any = '';

export function keyOf(scope: BufferScope): { category: string; sku: string; location_id: string } {
  return {
    category: scope.category ?? any,
    sku: scope.sku ?? any,
    location_id: scope.storeId ?? any,
  };
}

export function viewBuffer(row: Selectable<SafetyBufferTable>): BufferView {
  return {
    sku: row.sku === any ? null : row.sku,
    category: row.category === any ? null : row.category,
    storeId: row.location_id === any ? null : row.location_id,
    strategy: row.strategy,
    units: row.units,
    percentage: row.percentage,
    leadTimeDays: row.lead_time_days,
    serviceLevel: row.service_level,
    windowDays: row.window_days,
    updatedAt: row.updated_at.toISOString(),
  };
}

/** A rule with what it leaves open as the settings say. */
export function policyOf(rule: BufferRule | undefined, defaults: Policy): Policy {
  if (rule === undefined) return defaults;
  return {
    strategy: rule.strategy,
    units: rule.units ?? defaults.units,
    percentage: rule.percentage ?? defaults.percentage,
    leadTimeDays: rule.leadTimeDays ?? defaults.leadTimeDays,
    serviceLevel: rule.serviceLevel ?? defaults.serviceLevel,
    windowDays: rule.windowDays ?? defaults.windowDays,
  };
}

import { z } from '@hono/zod-openapi';
import { strategies } from '../safety-stock/index.ts';
import { count, name, sku, storeId } from './fields.ts';
import { levelView, timeView } from './views.ts';

// What requests and answers about safety stock look like.

export const category = name.openapi({ example: 'shoes' });

/** What a rule is for; nothing at all: the merchant's default. */
export const scopeFields = {
  sku: sku.optional(),
  category: category.optional(),
  storeId: storeId.optional(),
};

const percentage = z.number().min(0).max(100);
const leadTimeDays = z.number().min(0).max(365);
const serviceLevel = z.number().min(0.5).max(0.9999);
const windowDays = z.int().min(2).max(366);

/** What a rule may say; what it leaves open is as the settings say. */
export const ruleFields = {
  strategy: z.enum(strategies),
  units: count.nullish(),
  percentage: percentage.nullish(),
  leadTimeDays: leadTimeDays.nullish(),
  serviceLevel: serviceLevel.nullish(),
  windowDays: windowDays.nullish(),
};

export const bufferView = z
  .strictObject({
    sku: z.string().nullable(),
    category: z.string().nullable(),
    storeId: z.string().nullable(),
    strategy: z.enum(strategies),
    units: z.int().nullable(),
    percentage: z.number().nullable(),
    leadTimeDays: z.number().nullable(),
    serviceLevel: z.number().nullable(),
    windowDays: z.int().nullable(),
    updatedAt: timeView,
  })
  .openapi('SafetyBuffer');

export const policyView = z.strictObject({
  strategy: z.enum(strategies),
  units: z.int(),
  percentage: z.number(),
  leadTimeDays: z.number(),
  serviceLevel: z.number(),
  windowDays: z.int(),
});

export const velocityView = z.strictObject({
  days: z.int(),
  mean: z.number(),
  sigma: z.number().nullable(),
});

export const keptLevelView = z.strictObject({
  storeId: z.string(),
  safetyStock: z.int(),
  wanted: z.int(),
  rule: bufferView.nullable(),
  policy: policyView,
  demand: velocityView.nullable(),
  level: levelView,
});

import { keepBack, keptUnits, changeTogether, listLevelsAt } from '../stock/index.ts';
import type { LevelView } from '../stock/index.ts';
import { policyOf, type BufferView } from './buffer.ts';
import { defaultPolicy, type BuffersContext } from './context.ts';
import { rulesOfLevels, type Place } from './rules-of-levels.ts';
import { velocitiesOf } from './velocities.ts';
import { wantedUnits, type Policy, type Velocity } from './wanted-units.ts';

/** The reason of a ledger entry that a policy makes. */
export const keptReason = 'safety_stock';

/** What is kept back of a level, and by what. */
export type KeptLevel = {
  readonly level: LevelView;
  /** Undefined: as the settings say. */
  readonly rule: BufferView | undefined;
  readonly policy: Policy;
  readonly velocity: Velocity | undefined;
  /** What the policy wants, by what is on hand now. */
  readonly wanted: number;
};

/** What each of these levels is to keep back. */
export async function judgeLevels(
  { db, clock, settings }: BuffersContext,
  merchantId: string,
  levels: readonly LevelView[],
): Promise<readonly KeptLevel[]> {
  const defaults = defaultPolicy(settings);
  const rules = await rulesOfLevels(db, merchantId, levels);
  const judged = levels.map((level, index) => {
    const policy = policyOf(rules[index], defaults);
    return { level, rule: rules[index], policy };
  });
  const questions = new Map(
    judged
      .filter(({ policy }) => policy.strategy === 'velocity_based')
      .map(({ level: { sku, storeId }, policy: { windowDays } }) => {
        const question = { sku, storeId, windowDays };
        return [JSON.stringify([sku, storeId]), question] as const;
      }),
  );
  const velocities = await velocitiesOf(db, merchantId, [...questions.values()], clock.offsetMs);
  return judged.map(({ level, rule, policy }) => {
    const question = questions.get(JSON.stringify([level.sku, level.storeId]));
    const velocity = question && velocities.get(question);
    return { level, rule, policy, velocity, wanted: wantedUnits(policy, level.onHand, velocity) };
  });
}

/**
 * Brings the safety stock of these levels to what their policies want, as ordinary changes with
 * ledger entries and messages to the channels, all in one transaction. What is kept is decided
 * again on the levels as that transaction reads them. Levels that need no change are not touched.
 * @returns how many were changed
 */
export async function keepLevels(
  context: BuffersContext,
  merchantId: string,
  levels: readonly LevelView[],
): Promise<number> {
  const due = (await judgeLevels(context, merchantId, levels)).filter(({ level, wanted }) => {
    return keptUnits(wanted, level.available + level.safetyStock) !== level.safetyStock;
  });
  if (due.length === 0) return 0;
  const keys = due.map(({ level: { sku, storeId } }) => ({ merchantId, sku, storeId }));
  return await changeTogether(context.together, async (transaction) => {
    const desk = await transaction.read(keys);
    let changed = 0;
    for (const [index, { rule, policy, velocity }] of due.entries()) {
      const key = keys[index];
      if (key === undefined) continue;
      const { version } = desk.level(key);
      desk.run(
        keepBack({
          level: key,
          wanted: ({ onHand }) => wantedUnits(policy, onHand, velocity),
          provenance: {
            reason: keptReason,
            reference: referenceOf(rule, policy),
            actor: 'safety-stock',
            sourceChannel: null,
            occurredAt: null,
          },
        }),
      );
      if (desk.level(key).version !== version) changed += 1;
    }
    return changed;
  });
}

/** Brings the safety stock of the levels at these places to what their policies want. */
export async function keepPlaces(
  context: BuffersContext,
  merchantId: string,
  places: readonly Place[],
): Promise<number> {
  const levels = await listLevelsAt(context.db, merchantId, places, context.clock.offsetMs);
  return await keepLevels(context, merchantId, levels);
}

/** Which rule a ledger entry was made by: its strategy, and whose rule it is. */
function referenceOf(rule: BufferView | undefined, { strategy }: Policy): string {
  if (rule === undefined) return `${strategy} by default`;
  const of = rule.sku !== null ? 'SKU' : rule.category !== null ? 'category' : undefined;
  const parts = [of, rule.storeId === null ? undefined : 'location'];
  const scope = parts.filter((part) => part !== undefined).join(' and ');
  return `${strategy} of ${scope === '' ? 'the merchant' : `the ${scope}`}`;
}

import type { Clock } from '../clock.ts';
import type { Db } from '../db/index.ts';
import type { TogetherOptions } from '../stock/index.ts';
import type { Policy, Strategy } from './wanted-units.ts';

/** What holds where no rule says anything, as it stands in the settings. */
export type BufferSettings = {
  readonly strategy: Strategy;
  readonly defaultUnits: number;
  readonly defaultPercentage: number;
  readonly leadTimeDays: number;
  readonly serviceLevel: number;
};

/** What keeping stock back needs. */
export type BuffersContext = {
  readonly db: Db;
  readonly together: TogetherOptions;
  readonly clock: Clock;
  readonly settings: BufferSettings;
};

/** Four weeks: each day of the week counts as often. */
const defaultWindowDays = 28;

export function defaultPolicy(settings: BufferSettings): Policy {
  return {
    strategy: settings.strategy,
    units: settings.defaultUnits,
    percentage: settings.defaultPercentage,
    leadTimeDays: settings.leadTimeDays,
    serviceLevel: settings.serviceLevel,
    windowDays: defaultWindowDays,
  };
}

/** The settings as a run notes them: others mean that levels have to be looked at. */
export function defaultsText({ settings }: Pick<BuffersContext, 'settings'>): string {
  return JSON.stringify(defaultPolicy(settings));
}

/** Whether nothing is kept back where no rule says anything. */
export function keepsNothing({ settings }: Pick<BuffersContext, 'settings'>): boolean {
  const { strategy, units, percentage } = defaultPolicy(settings);
  if (strategy === 'static') return units === 0;
  return strategy === 'dynamic' && percentage === 0;
}

import { expect } from 'vitest';
import { expectCleanAudit } from '../support/audit.ts';
import { checkDeliveries, settled, type Deliveries } from '../support/delivery/index.ts';
import {
  checkHistory,
  levelsOf,
  nameOf,
  nowMs,
  readEvidence,
  seedFrom,
  startLoad,
  summarise,
  versionsIn,
  type Evidence,
  type History,
  type Load,
} from '../support/history/index.ts';
import { report, type Figures } from '../support/report.ts';
import { adminKey } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Scene } from './scene.ts';

/** Requests of each load, at least. */
export const requests = Number(process.env['FAULT_REQUESTS'] ?? 300);
const clients = 8;
/** The opening stock and some more. */
const warmUp = 60;
const patienceMs = 120_000;

/** So many of a fault that comes in a stream, in a load of so many requests. */
export function faultsIn(shortForm: number): number {
  return Math.ceil(shortForm * Math.max(1, requests / 600));
}

/** Figures that change from run to run with the seed. */
export const seed = seedFrom('FAULT_SEED');

/** What was done to the service, while it had work to do. */
export type Struck = {
  /** How often. */
  readonly faults: number;
  /** From when on it is asked to recover: the last fault, or the end of a long one. */
  readonly sinceMs: number;
  /** More of it for the report. */
  readonly figures?: Figures;
};

export type Fault = {
  /** For the report: what is done. */
  readonly name: string;
  /**
   * Does it. Called when the load begins; `underWay` resolves when it has become a mixed one.
   */
  readonly strike: (load: Load, underWay: () => Promise<unknown>) => Promise<Struck>;
  /** Done when the load is over, before all has to settle. */
  readonly heal?: () => unknown;
};

/**
 * Runs the mixed load with a fault in it, waits until the service works again, and judges: by the
 * history checker, by the delivery checker for each channel, and by every audit view.
 */
export async function expectNoHarm(scene: Scene, fault: Fault): Promise<History> {
  const load = startLoad({
    targets: () => scene.targets(),
    apiKey: adminKey,
    seed,
    clients,
    // A claim outlives its process by a minute: too long for the short form.
    claims: requests >= 1_000,
  });
  const { struck, history } = await underLoad(load, fault);
  const endMs = nowMs();
  await settled(scene.inspector, patienceMs);
  const settleSeconds = seconds(nowMs() - endMs);
  const evidence = await readEvidence(scene.inspector);
  const violations = checkHistory(history, evidence);
  const deliveries = deliveriesOf(scene, history, evidence);
  const { lost, unexpected, ...summary } = summarise(history, violations, {
    duplicates: deliveries.duplicates,
    recoverySeconds: recoverySeconds(scene, load, struck),
  });
  await report('faults', fault.name, {
    ...summary,
    settleSeconds,
    lost: lost + deliveries.lost.length,
    unexpected: unexpected + deliveries.unexpected.length,
    wentBack: deliveries.wentBack.length,
    wrongAtEnd: deliveries.wrongAtEnd.length,
    versions: versionsIn(ownOf(history, evidence)),
    faults: struck.faults,
    ...struck.figures,
    seed,
  });
  expect(violations).toEqual([]);
  expect(deliveries).toMatchObject({ lost: [], unexpected: [], wentBack: [], wrongAtEnd: [] });
  for (const { server } of scene.channels) expect(server.unsigned).toBe(0);
  await expectCleanAudit(scene.inspector);
  return history;
}

async function underLoad(
  load: Load,
  { strike, heal, name }: Fault,
): Promise<{ struck: Struck; history: History }> {
  const wait = (condition: () => boolean, what: string): Promise<unknown> =>
    waitFor(condition, { what: `${name}: ${what}`, timeoutMs: patienceMs });
  try {
    const struck = await strike(load, () =>
      wait(() => load.answered >= warmUp, 'the load is under way'),
    );
    await wait(() => load.firstSuccessSince(struck.sinceMs) !== undefined, 'it works again');
    await wait(() => load.answered >= requests, 'the load is done');
    load.stop();
    return { struck, history: await load.finished };
  } finally {
    load.stop();
    await load.finished.catch(() => undefined);
    await heal?.();
  }
}

function deliveriesOf(scene: Scene, history: History, evidence: Evidence): Deliveries {
  const found = scene.channels.map(({ server, mode, channelId }) =>
    checkDeliveries(server.messages, evidence, { mode, history, channelId }),
  );
  return {
    lost: found.flatMap(({ lost }) => lost),
    unexpected: found.flatMap(({ unexpected }) => unexpected),
    wentBack: found.flatMap(({ wentBack }) => wentBack),
    wrongAtEnd: found.flatMap(({ wrongAtEnd }) => wrongAtEnd),
    duplicates: found.reduce((sum, { duplicates }) => sum + duplicates, 0),
  };
}

/** The levels of this load: others have used the database before. */
function ownOf({ operations }: History, evidence: Evidence): Evidence {
  const names = new Set(operations.flatMap(({ asked }) => [...levelsOf(asked).keys()]));
  return { ...evidence, levels: evidence.levels.filter((level) => names.has(nameOf(level))) };
}

/** Until a change is answered with success, and each channel has taken what was sent after it. */
function recoverySeconds(scene: Scene, load: Load, { sinceMs }: Struck): number {
  const again = scene.channels.flatMap(({ server }) => {
    const next = server.messages.find(
      ({ arrivedMs, acknowledgedMs }) => arrivedMs >= sinceMs && acknowledgedMs !== undefined,
    );
    return next?.acknowledgedMs ?? [];
  });
  const lastMs = Math.max(load.firstSuccessSince(sinceMs) ?? nowMs(), ...again);
  return seconds(lastMs - sinceMs);
}

function seconds(ms: number): number {
  return Number((ms / 1_000).toFixed(2));
}

import { setTimeout } from 'node:timers/promises';
import type { App } from '../app.ts';
import { UsageError } from '../errors.ts';
import { startProgress } from '../progress.ts';
import {
  getReconciliation,
  requestReconciliation,
  type ReconciliationView,
} from '../reconciliation/index.ts';
import { exitCode } from './exit-code.ts';
import { print, printJson, type CommandIo } from './io.ts';
import { formatTable } from './table.ts';
import { withApp } from './with-app.ts';
import { requireMerchant } from './with-core.ts';

type Options = {
  readonly merchant: string;
  readonly json: boolean;
  readonly channel?: string | undefined;
  readonly source?: string | undefined;
};

const lookMs = 250;

/**
 * `onhand reconcile`: one run, to its end. 1 when drift waits for an approval, a part of it failed,
 * or the ledger does not add up.
 */
export async function reconcile(io: CommandIo, options: Options): Promise<number> {
  return await withApp(io, async (app) => {
    const { merchant: merchantId, channel: channelId, source: sourceId } = options;
    await requireMerchant(app.core, merchantId);
    const asked = await requestReconciliation(app.core.sources, {
      merchantId,
      channelId,
      sourceId,
    });
    if (!asked.ok) throw new UsageError(`${asked.refusal.detail} (${channelId ?? sourceId ?? ''})`);
    app.jobs.wakeReconciliation();
    const signal = io.stopSignal();
    const run = await follow(io, app, merchantId, asked.value.reconciliationId, signal);
    if (options.json) printJson(io, run);
    else printRun(io, run);
    if (run.status !== 'finished') return exitCode.interrupted;
    return isClean(run) ? exitCode.ok : exitCode.found;
  });
}

/** Shows how many figures were compared until the run has ended, or somebody stops it. */
async function follow(
  io: CommandIo,
  app: App,
  merchantId: string,
  reconciliationId: string,
  signal: AbortSignal,
): Promise<ReconciliationView> {
  const { stderr: stream, isTerminal } = io;
  const progress = startProgress({ label: 'reconcile', stream, isTerminal });
  try {
    for (;;) {
      const found = await getReconciliation(app.core.db, merchantId, reconciliationId);
      if (!found.ok) throw new UsageError(found.refusal.detail);
      progress.set(found.value.compared);
      if (found.value.status === 'finished' || signal.aborted) return found.value;
      await setTimeout(lookMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    progress.stop();
  }
}

function isClean(run: ReconciliationView): boolean {
  const adds = Object.values(run.ledger).every((rows) => rows === 0);
  return adds && run.pending === 0 && run.parts.every(({ status }) => status === 'finished');
}

function printRun(io: CommandIo, run: ReconciliationView): void {
  const table = formatTable(run.parts, [
    ['channel', (part) => part.channelId],
    ['source', (part) => part.sourceId],
    ['status', (part) => part.code ?? part.status],
    ['compared', (part) => part.compared],
    ['in flight', (part) => part.inFlight],
    ['missing', (part) => part.missing],
    ['drifts', (part) => part.drifts],
  ]);
  print(io, run.parts.length === 0 ? 'no channels and no sources' : table);
  const { compared, drifts, settled, pending } = run;
  print(io, `\n${compared} compared, ${drifts} drifts: ${settled} settled, ${pending} waiting`);
  const broken = Object.entries(run.ledger).filter(([, rows]) => rows > 0);
  for (const [view, rows] of broken) print(io, `audit.${view}: ${rows}`);
  if (broken.length === 0) print(io, 'the ledger adds up');
}

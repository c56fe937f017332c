import type { ReplayOrder } from './order.ts';
import { runWave, type ReplayContext } from './run-wave.ts';
import { inWaves } from './waves.ts';

/** How many orders came to what. */
export type ReplayReport = {
  orders: number;
  cancellations: number;
  corrections: number;
  applied: number;
  /** For lack of stock. */
  refused: number;
  /** Refused for another reason, by code. */
  otherwiseRefused: Record<string, number>;
  /** Decided by an earlier run: applied then, and refused then. */
  replayed: number;
  replayedRefused: number;
  /** Have the number of an order that was replayed with other lines; left alone. */
  differing: number;
  /** Told to stop before the end. */
  stopped: boolean;
};

/**
 * Applies orders in their order, each once, however often it is interrupted and run again.
 * @param options.batch the most orders that are decided together
 * @param options.onWave told how many more orders are done
 */
export async function replayOrders(
  context: ReplayContext,
  orders: AsyncIterable<ReplayOrder>,
  options: {
    readonly batch: number;
    readonly onWave: (orders: number) => void;
    readonly onDiffering: (order: ReplayOrder) => void;
    readonly signal: AbortSignal;
  },
): Promise<ReplayReport> {
  const report = emptyReport();
  for await (const wave of inWaves(orders, options.batch)) {
    if (options.signal.aborted) return { ...report, stopped: true };
    for (const { order, standing, decided } of await runWave(context, wave)) {
      report.orders += 1;
      if (order.kind === 'cancellation') report.cancellations += 1;
      if (order.kind === 'correction') report.corrections += 1;
      if (standing === 'differs') {
        options.onDiffering(order);
        report.differing += 1;
      } else if (standing === 'applied' || standing === 'refused') {
        report.replayed += 1;
        if (standing === 'refused') report.replayedRefused += 1;
      } else if (decided?.outcome === 'applied') report.applied += 1;
      else if (decided?.code === 'STOCK.INSUFFICIENT') report.refused += 1;
      else {
        const code = decided?.code ?? 'UNKNOWN';
        report.otherwiseRefused[code] = (report.otherwiseRefused[code] ?? 0) + 1;
      }
    }
    options.onWave(wave.length);
  }
  return report;
}

function emptyReport(): ReplayReport {
  return {
    orders: 0,
    cancellations: 0,
    corrections: 0,
    applied: 0,
    refused: 0,
    otherwiseRefused: {},
    replayed: 0,
    replayedRefused: 0,
    differing: 0,
    stopped: false,
  };
}

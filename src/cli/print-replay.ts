import { print, type CommandIo } from './io.ts';
import type { ReplaySummary } from './replay-orders.ts';

/** Prints what a run came to, for people. */
export function printReplay(io: CommandIo, summary: ReplaySummary): void {
  const { cancellations, corrections, replayed, replayedRefused } = summary;
  const lines: [string, string][] = [
    ['opening stock', `${summary.opened} SKUs set`],
    [
      'orders',
      `${summary.orders} (${cancellations} cancellations, ${corrections} stock corrections)`,
    ],
    ['lines', `${summary.lines}`],
    ['applied', `${summary.applied}`],
    ['refused', `${summary.refused} for lack of stock`],
    ...Object.entries(summary.otherwiseRefused).map(([code, count]): [string, string] => [
      '',
      `${count} ${code}`,
    ]),
    [
      'replayed',
      `${replayed} decided before (${replayed - replayedRefused} applied, ` +
        `${replayedRefused} refused)`,
    ],
    ...(summary.differing === 0
      ? []
      : [['differing', `${summary.differing} had other lines before`] as [string, string]]),
    ['skipped', `${summary.skippedRows} rows with manual codes`],
    ['bad rows', `${summary.badRows}`],
    ['duration', `${(summary.durationMs / 1000).toFixed(1)} s`],
    ['audit', summary.audit?.text ?? 'not read: stopped before the end; run it again to go on'],
  ];
  for (const [name, value] of lines) print(io, `${name.padEnd(14)} ${value}`);
}

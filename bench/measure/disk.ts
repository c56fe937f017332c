import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { formatNumber, median, percentile } from './statistics.ts';

const perSecond = 300;
const blockBytes = 8_192;
const fileBytes = 16 * 2 ** 20;

/**
 * How long the disk alone takes to make 8 KB durable, 300 times a second, in a file that is there
 * already: as Postgres writes its log, without Postgres. No change is committed sooner, and where
 * the disk stands still for a moment, so does everything that is measured on it.
 * @param folder on that disk
 */
export async function describeDisk(folder: string, seconds: number): Promise<string> {
  const path = join(folder, 'disk-probe');
  const file = await open(path, 'w');
  const took: number[] = [];
  try {
    await file.write(Buffer.alloc(fileBytes, 1), 0, fileBytes, 0);
    await file.sync();
    const block = Buffer.alloc(blockBytes, 2);
    const startedAt = performance.now();
    for (let count = 0; performance.now() < startedAt + seconds * 1000; count += 1) {
      const wait = startedAt + (count * 1000) / perSecond - performance.now();
      if (wait > 0) await setTimeout(wait);
      const askedAt = performance.now();
      await file.write(block, 0, blockBytes, (count * blockBytes) % fileBytes);
      await file.datasync();
      took.push(performance.now() - askedAt);
    }
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
  return (
    `8 KB made durable at most ${perSecond} times a second for ${seconds} s: ` +
    `p50 ${formatNumber(median(took))} ms, p99 ${formatNumber(percentile(took, 0.99))} ms, ` +
    `at most ${formatNumber(Math.max(...took))} ms`
  );
}

import { setTimeout } from 'node:timers/promises';
import type { OpenSource, ReadOptions, SourceRead } from './source.ts';
import type { SnapshotState } from './tables.ts';
import { failed } from './source.ts';

/** A read that fails is tried again so often within a run. */
const attempts = 3;
const backoffMs = 200;
/** A wait that the source asks for ends the run when it is longer. */
const longestWaitMs = 5_000;
/** One read takes no longer. */
const timeoutMs = 30_000;

/** Where a source stands, for its next read. */
export type ReadPosition = {
  readonly watermark: string | null;
  readonly snapshot: Pick<SnapshotState, 'cursor'> | null;
};

/**
 * Reads the next page, and tries again for a moment when that fails. Whatever a source does is an
 * answer: a fault in its client is `failed` with the code `internal`.
 */
export async function readPage(
  source: OpenSource,
  position: ReadPosition,
  options: ReadOptions,
): Promise<SourceRead> {
  for (let attempt = 1; ; attempt += 1) {
    const read = await readOnce(source, position, options);
    if (read.kind !== 'failed' || attempt === attempts || options.signal.aborted) return read;
    const wait = read.retryAfterMs ?? backoffMs * 2 ** (attempt - 1);
    if (wait > longestWaitMs) return read;
    await setTimeout(wait, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

async function readOnce(
  source: OpenSource,
  { watermark, snapshot }: ReadPosition,
  options: ReadOptions,
): Promise<SourceRead> {
  const timeout = new AbortController();
  const late = Promise.withResolvers<SourceRead>();
  const timer = globalThis.setTimeout(() => {
    timeout.abort();
    // A read that does not end with its signal is left to itself.
    late.resolve(failed('timeout'));
  }, timeoutMs);
  const signal = AbortSignal.any([options.signal, timeout.signal]);
  try {
    const reading = { ...options, signal };
    if (snapshot === null) {
      return await Promise.race([source.changesSince(watermark, reading), late.promise]);
    }
    if (source.snapshot === undefined) return failed('no_snapshot');
    return await Promise.race([source.snapshot(snapshot.cursor, reading), late.promise]);
  } catch {
    return failed(signal.aborted ? 'timeout' : 'internal');
  } finally {
    clearTimeout(timer);
  }
}

import { setTimeout } from 'node:timers/promises';

/** One thing that must be there before requests are taken. */
export type ReadinessCheck = {
  readonly name: string;
  /** Resolves to whether it is ready; a check that fails or hangs is not. */
  isReady(): Promise<boolean>;
};

export type ReadinessReport = {
  readonly ready: boolean;
  readonly checks: readonly { readonly name: string; readonly ready: boolean }[];
};

const timeoutMs = 2_000;

/** Asks every check at once; one that takes longer than 2 s counts as not ready. */
export async function readinessOf(checks: readonly ReadinessCheck[]): Promise<ReadinessReport> {
  const results = await Promise.all(
    checks.map(async (check) => ({ name: check.name, ready: await inTime(check) })),
  );
  return { ready: results.every(({ ready }) => ready), checks: results };
}

async function inTime(check: ReadinessCheck): Promise<boolean> {
  const given = new AbortController();
  const tooLate = setTimeout(timeoutMs, false, { signal: given.signal, ref: false });
  try {
    return await Promise.race([check.isReady().catch(() => false), tooLate.catch(() => false)]);
  } finally {
    given.abort();
  }
}

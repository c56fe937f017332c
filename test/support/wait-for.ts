import { setTimeout } from 'node:timers/promises';

const pollMs = 20;

type Awaitable<T> = T | Promise<T>;

/** What a test waited for did not come: an assertion that failed, by its name in reports. */
class WaitedInVain extends Error {
  static {
    this.prototype.name = 'WaitedInVain';
  }
}

/**
 * Waits until `condition` holds: until it resolves to something other than false, null or
 * undefined, and returns that. A condition that throws does not hold yet.
 * @param options.timeoutMs when to give up, a minute by default: a machine may be short of time
 * @param options.what what is waited for, for the message of the failure
 */
export async function waitFor<T>(
  condition: () => Awaitable<T | false | null | undefined>,
  options: { timeoutMs?: number; what: string },
): Promise<T> {
  const { timeoutMs = 60_000, what } = options;
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  do {
    try {
      const result = await condition();
      if (result !== false && result !== null && result !== undefined) return result;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await setTimeout(pollMs);
  } while (performance.now() < deadline);
  throw new WaitedInVain(`waited ${timeoutMs} ms in vain: ${what}`, { cause });
}

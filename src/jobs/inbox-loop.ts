import { AskingPlaces, workInbox, type InboxContext } from '../inbox/index.ts';
import type { Logger } from '../logger.ts';
import { Signal } from './signal.ts';

/** Webhooks that another process took in are found by looking this often. */
const pollMs = 500;
const afterFaultMs = 1_000;
/** Webhooks taken at once; as many workers share them. */
const claim = 32;
const workers = 4;

export type InboxLoop = {
  /** A webhook came in. */
  wake(): void;
  /** Lets those under way end. */
  stop(): Promise<void>;
};

/**
 * Works the inbox. The row is the record and not a job: whoever looks takes what is due, several
 * processes share it, and what a killed one had taken is due again by itself.
 */
export function startInboxLoop(context: InboxContext, logger: Logger): InboxLoop {
  const signal = new Signal();
  const places = new AskingPlaces();
  const ending = new AbortController();
  const work = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      try {
        if ((await workInbox(context, places, claim / workers)) > 0) continue;
        await signal.wait(pollMs);
      } catch (error) {
        logger.warn({ err: error }, 'the inbox could not be worked; it is tried again');
        await new Signal().wait(afterFaultMs);
      }
    }
  };
  const working = Promise.all(Array.from({ length: workers }, work));
  return {
    wake: () => signal.notify(),
    async stop() {
      ending.abort();
      signal.notify();
      await working;
    },
  };
}

import type { PoolClient } from 'pg';
import { systemClock } from '../../src/clock.ts';
import { openWriterPool, StockWriter } from '../../src/stock/index.ts';
import type { TestWriter } from '../support/stock.ts';

/** Stands between a writer and the database: may wait before or after `send`, or fail instead. */
export type Tap = (name: string, send: () => Promise<unknown>) => Promise<unknown>;

/** A writer whose every query goes through `tap`, by its name or else its text. */
export function openTappedWriter(connectionString: string, tap: Tap): TestWriter {
  const timeoutMs = 2_000;
  const pool = openWriterPool(connectionString, timeoutMs);
  pool.on('connect', (client: PoolClient) => {
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
    const tapped = (...args: unknown[]): Promise<unknown> => {
      // The pool's own questions, with a callback.
      if (typeof args.at(-1) === 'function') return query(...args);
      const [asked] = args as [string | { name?: string; text: string }];
      const name = typeof asked === 'string' ? asked : (asked.name ?? asked.text);
      return tap(name, () => query(...args));
    };
    client.query = tapped as PoolClient['query'];
  });
  const clock = systemClock();
  const options = { maxRetries: 5, timeoutMs, idempotencyTtlSeconds: 86_400 };
  const writer = new StockWriter({ pool, clock, ...options });
  return {
    writer,
    clock,
    async close() {
      await writer.close();
      await pool.end();
    },
  };
}

/** Runs once, right after the nth answer to a query of that name. */
export function afterAnswer(nth: number, name: string, run: () => Promise<unknown>): Tap {
  let answers = 0;
  return async (asked, send) => {
    const answer = await send();
    if (asked === name) answers += 1;
    if (asked === name && answers === nth) await run();
    return answer;
  };
}

/**
 * What time it is. Decisions about stock use the database's clock, moved by `offsetMs`, so that
 * processes with wrong clocks agree; tests move time for TypeScript and SQL by moving the offset.
 */
export type Clock = {
  /** Milliseconds added to the database's clock and to this process's. 0 in production. */
  offsetMs: number;
  /** This process's time, for logs, signatures and waiting; never for a decision about stock. */
  now(): Date;
};

export function systemClock(): Clock {
  return {
    offsetMs: 0,
    now() {
      return new Date(Date.now() + this.offsetMs);
    },
  };
}

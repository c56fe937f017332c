/** Named moments at which a test may kill the process. Between them lies what must hold anyway. */
export const failpoints = [
  /** A batch is decided, and about to go to Postgres. */
  'before_commit',
  /** A batch is committed, and nobody was told. */
  'after_commit',
  /** Messages have left the outbox in a transaction that is still open. */
  'relay_claimed',
  /** That transaction is committed, and nobody was woken. */
  'relay_committed',
  /** A channel has taken a delivery, which is not recorded yet. */
  'delivery_taken',
  /** The sweep has found holds that have ended, and written none of them down. */
  'expiry_found',
  /** A page of them is written down. */
  'expiry_written',
] as const;

export type FailpointName = (typeof failpoints)[number];

/** Kills the process at the `pass`-th time that it comes by: 1, 2, … */
export type Failpoint = { readonly name: FailpointName; readonly pass: number };

/** Reads `name:pass`; undefined when it is none. */
export function parseFailpoint(text: string): Failpoint | undefined {
  const [, name, pass] = /^([a-z_]+):([1-9]\d{0,8})$/.exec(text) ?? [];
  const known = failpoints.find((one) => one === name);
  return known === undefined ? undefined : { name: known, pass: Number(pass) };
}

let armed: { readonly name: FailpointName; passesLeft: number } | undefined;

/** Arms one failpoint of this process, or, with undefined, none. */
export function armFailpoint(failpoint: Failpoint | undefined): void {
  armed =
    failpoint === undefined ? undefined : { name: failpoint.name, passesLeft: failpoint.pass };
}

/** Ends the process as `kill -9` does, if this is the moment that was asked for. */
export function passFailpoint(name: FailpointName): void {
  if (armed !== undefined) count(armed, name);
}

function count(point: NonNullable<typeof armed>, name: FailpointName): void {
  if (point.name !== name) return;
  point.passesLeft -= 1;
  // Takes effect before the call returns: nothing is flushed, answered or rolled back.
  if (point.passesLeft === 0) process.kill(process.pid, 'SIGKILL');
}

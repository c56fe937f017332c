import type { PoolClient } from 'pg';
import type { Outcome } from './command.ts';
import type { EntryWrite } from './working-state.ts';

/** An attempt whose commit may or may not have happened. */
export type LostAttempt = {
  /** What it wrote; with its time no other attempt wrote the same. */
  readonly entries: readonly EntryWrite[];
  readonly recordedAt: Date;
  readonly outcomes: Outcome[][];
};

/** The connection broke. With `attempt` the commit was on its way, and its outcome is unknown. */
export class LostInCommit extends Error {
  readonly attempt: LostAttempt | undefined;
  constructor(cause: unknown, attempt: LostAttempt | undefined) {
    super('the connection to the database was lost', { cause });
    this.name = 'LostInCommit';
    this.attempt = attempt;
  }
}

/**
 * Whether an attempt was committed: all that it wrote is there. Versions and commands alone would
 * not tell it from a later attempt at the same batch, whose answers say other times.
 */
export async function wasCommitted(
  client: PoolClient,
  { entries, recordedAt }: LostAttempt,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::uuid[])
       as u(merchant_id, sku, location_id, version, command_id)
     where not exists (
       select from ledger_entry e
       where e.merchant_id = u.merchant_id and e.sku = u.sku and e.location_id = u.location_id
         and e.version = u.version and e.command_id = u.command_id and e.recorded_at = $6)
     limit 1`,
    [
      entries.map(({ level }) => level.merchantId),
      entries.map(({ level }) => level.sku),
      entries.map(({ level }) => level.storeId),
      entries.map(({ version }) => version),
      entries.map(({ command }) => command.commandId),
      recordedAt,
    ],
  );
  return rowCount === 0;
}

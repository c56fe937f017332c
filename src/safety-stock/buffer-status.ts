import type { Db } from '../db/index.ts';

/** How the runs through a merchant's levels stand. */
export type BufferStatus = {
  /** Something was changed that the levels do not show yet. */
  readonly pending: boolean;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** Of the last run that ended. */
  readonly levels: number;
  readonly changed: number;
};

export async function bufferStatus(db: Db, merchantId: string): Promise<BufferStatus> {
  const row = await db
    .selectFrom('safety_run')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .executeTakeFirst();
  return {
    pending: (row?.requested_at ?? null) !== null,
    startedAt: row?.started_at?.toISOString() ?? null,
    finishedAt: row?.finished_at?.toISOString() ?? null,
    levels: row?.levels ?? 0,
    changed: row?.changed ?? 0,
  };
}

import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { Db, Tx } from '../db/index.ts';
import type { ReconciliationPartTable } from './tables.ts';

export type PartRow = Selectable<ReconciliationPartTable>;
export type PartName = Pick<PartRow, 'merchant_id' | 'reconciliation_id' | 'part_id'>;

/** Another process has done this step of the part meanwhile: it is not done twice. */
export class PartMoved extends Error {
  constructor() {
    super('the part of the run is no longer as it was when it was read');
    this.name = 'PartMoved';
  }
}

/** How a part moves on: what is added to its figures, and what changes. */
export type PartStep = Partial<
  Readonly<Record<'compared' | 'stocked' | 'in_flight' | 'missing' | 'drifts' | 'items', number>>
> & {
  readonly status?: PartRow['status'];
  readonly code?: string;
  readonly position?: unknown;
  /** What differs is looked at again so many ms from now. */
  readonly confirmInMs?: number;
  readonly holdsZeros?: boolean;
};

const counts = ['compared', 'stocked', 'in_flight', 'missing', 'drifts', 'items'] as const;

/** The part as it is now; undefined: its run is gone. */
export async function readPart(db: Db, name: PartName): Promise<PartRow | undefined> {
  return await db
    .selectFrom('reconciliation_part')
    .selectAll()
    .where('merchant_id', '=', name.merchant_id)
    .where('reconciliation_id', '=', name.reconciliation_id)
    .where('part_id', '=', name.part_id)
    .executeTakeFirst();
}

/** Moves a part on from where it was read. Throws `PartMoved` where it is not there any more. */
export async function movePart(tx: Tx, part: PartRow, step: PartStep): Promise<void> {
  const sets: RawBuilder<unknown>[] = counts.flatMap((name) =>
    step[name] === undefined ? [] : [sql`${sql.ref(name)} = ${sql.ref(name)} + ${step[name]}`],
  );
  const { status, code, position, confirmInMs, holdsZeros } = step;
  if (status !== undefined) sets.push(sql`status = ${status}`);
  if (status === 'finished' || status === 'failed') sets.push(sql`finished_at = clock_timestamp()`);
  if (code !== undefined) sets.push(sql`code = ${code}`);
  if (position === null) sets.push(sql`position = null`);
  else if (position !== undefined) {
    sets.push(sql`position = ${JSON.stringify(position)}::jsonb`);
  }
  if (holdsZeros !== undefined) sets.push(sql`holds_zeros = ${holdsZeros}`);
  if (confirmInMs !== undefined) {
    sets.push(sql`confirm_at = clock_timestamp() + ${confirmInMs} * interval '1 millisecond'`);
  }
  if (sets.length === 0) return;
  const before = part.position === null ? null : JSON.stringify(part.position);
  const { rows } = await sql`
    update reconciliation_part set ${sql.join(sets)}
    where merchant_id = ${part.merchant_id} and reconciliation_id = ${part.reconciliation_id}
      and part_id = ${part.part_id} and status = ${part.status}
      and position is not distinct from ${before}::jsonb
    returning part_id`.execute(tx);
  if (rows.length === 0) throw new PartMoved();
}

/** Begins a part anew: what it had compared and found so far is forgotten. */
export async function restartPart(tx: Tx, part: PartRow, code: string): Promise<void> {
  await movePart(tx, part, {
    code,
    position: null,
    ...Object.fromEntries(counts.map((name) => [name, -part[name]])),
  });
  await tx
    .deleteFrom('reconciliation_suspect')
    .where('merchant_id', '=', part.merchant_id)
    .where('reconciliation_id', '=', part.reconciliation_id)
    .where('part_id', '=', part.part_id)
    .execute();
}

/** A suspect: something that differed at the first look. */
export type Suspect<Seen> = {
  readonly sku: string;
  readonly storeId: string;
  /** Of a source; empty of a channel. */
  readonly quantity: string;
  readonly seen: Seen;
};

export async function writeSuspects(
  tx: Tx,
  part: PartName,
  suspects: readonly Suspect<unknown>[],
): Promise<void> {
  if (suspects.length === 0) return;
  await sql`
    insert into reconciliation_suspect
      (merchant_id, reconciliation_id, part_id, sku, location_id, quantity, seen)
    select ${part.merchant_id}, ${part.reconciliation_id}, ${part.part_id}, u.*
    from unnest(${suspects.map(({ sku }) => sku)}::text[],
      ${suspects.map(({ storeId }) => storeId)}::text[],
      ${suspects.map(({ quantity }) => quantity)}::text[],
      ${suspects.map(({ seen }) => JSON.stringify(seen))}::jsonb[]) as u
    on conflict (merchant_id, reconciliation_id, part_id, sku, location_id, quantity)
      do update set seen = excluded.seen`.execute(tx);
}

/** The next suspects of a part, in their order. `Seen` is what its own first look wrote. */
export async function readSuspects<Seen>(
  db: Db,
  part: PartName,
  limit: number,
): Promise<readonly Suspect<Seen>[]> {
  const rows = await db
    .selectFrom('reconciliation_suspect')
    .selectAll()
    .where('merchant_id', '=', part.merchant_id)
    .where('reconciliation_id', '=', part.reconciliation_id)
    .where('part_id', '=', part.part_id)
    .orderBy('sku')
    .orderBy('location_id')
    .orderBy('quantity')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    sku: row.sku,
    storeId: row.location_id,
    quantity: row.quantity,
    seen: row.seen as Seen,
  }));
}

/** Removes suspects that were judged. Throws `PartMoved` where somebody else judged them. */
export async function dropSuspects(
  tx: Tx,
  part: PartName,
  suspects: readonly Suspect<unknown>[],
): Promise<void> {
  const { rows } = await sql`
    delete from reconciliation_suspect s
    using unnest(${suspects.map(({ sku }) => sku)}::text[],
      ${suspects.map(({ storeId }) => storeId)}::text[],
      ${suspects.map(({ quantity }) => quantity)}::text[]) as u(sku, location_id, quantity)
    where s.merchant_id = ${part.merchant_id}
      and s.reconciliation_id = ${part.reconciliation_id} and s.part_id = ${part.part_id}
      and s.sku = u.sku and s.location_id = u.location_id and s.quantity = u.quantity
    returning s.sku`.execute(tx);
  if (rows.length !== suspects.length) throw new PartMoved();
}

import { sql } from 'kysely';
import type { Db, Tx } from '../db/index.ts';
import { refuse, type Refusal } from '../errors.ts';
import { quantityColumn, quantityFromColumn } from '../stock/index.ts';
import type { ReportedQuantity } from './source.ts';

/** What a source owns: a quantity at these stores, or at every one. */
export type Claim = {
  readonly quantity: ReportedQuantity;
  readonly stores?: readonly string[] | undefined;
};

/** Stands for every location; no location can be called so. */
const everywhere = '';

/**
 * In SQL: whether a figure's source still owns what it is about.
 * @param figure the name of its row, with the columns of `source_figure`
 */
export const isOwned = (figure: string): string => `exists (
  select from source_ownership o
  where o.merchant_id = ${figure}.merchant_id and o.source_id = ${figure}.source_id
    and o.quantity = ${figure}.quantity
    and o.location_id in (${figure}.location_id, '${everywhere}'))`;

/** Who owns which quantity where. */
export type Ownership = {
  /** The source that owns the quantity at the store; undefined: nobody. */
  ownerOf(quantity: ReportedQuantity, storeId: string): string | undefined;
};

type OwnershipRow = { quantity: string; location_id: string; source_id: string };

/** What every source of a merchant owns. */
export async function readOwnership(db: Db, merchantId: string): Promise<Ownership> {
  const rows = await db
    .selectFrom('source_ownership')
    .select(['quantity', 'location_id', 'source_id'])
    .where('merchant_id', '=', merchantId)
    .execute();
  return ownershipOf(rows);
}

export function ownershipOf(rows: readonly OwnershipRow[]): Ownership {
  const owners = new Map(
    rows.map((row) => [placeId(row.quantity, row.location_id), row.source_id]),
  );
  return {
    ownerOf: (quantity, storeId) =>
      owners.get(placeId(quantityColumn[quantity], storeId)) ??
      owners.get(placeId(quantityColumn[quantity], everywhere)),
  };
}

function placeId(quantity: string, locationId: string): string {
  return `${quantity}\u0000${locationId}`;
}

/** What one source owns, as it was claimed. */
export async function claimsOf(
  db: Db | Tx,
  merchantId: string,
  sourceIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Claim[]>> {
  const claims = new Map<string, Claim[]>(sourceIds.map((sourceId) => [sourceId, []]));
  if (sourceIds.length === 0) return claims;
  const rows = await db
    .selectFrom('source_ownership')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('source_id', 'in', [...sourceIds])
    .orderBy('quantity')
    .orderBy('location_id')
    .execute();
  const groups = Map.groupBy(rows, (row) => JSON.stringify([row.source_id, row.quantity]));
  for (const group of groups.values()) {
    const [first] = group;
    if (first === undefined) continue;
    // Only quantities that sources may report can be claimed.
    const quantity = quantityFromColumn(first.quantity) as ReportedQuantity;
    const stores = group.map((row) => row.location_id);
    const claim = stores.includes(everywhere) ? { quantity } : { quantity, stores };
    claims.get(first.source_id)?.push(claim);
  }
  return claims;
}

/**
 * Gives a source what it claims, in place of what it had. Refusals: SOURCE.OWNED_BY_OTHER, naming
 * quantity, store and owner; nothing is changed then and the transaction has to be rolled back.
 */
export async function claimOwnership(
  tx: Tx,
  merchantId: string,
  sourceId: string,
  claims: readonly Claim[],
): Promise<Refusal | undefined> {
  // Two sources that claim at once: "every store" and one of them are different rows.
  await sql`
    select pg_advisory_xact_lock(hashtextextended(${`source-ownership ${merchantId}`}, 0))
  `.execute(tx);
  const wanted = claims.flatMap(({ quantity, stores }) =>
    (stores ?? [everywhere]).map((storeId) => ({ quantity, storeId })),
  );
  const others = await tx
    .selectFrom('source_ownership')
    .selectAll()
    .where('merchant_id', '=', merchantId)
    .where('source_id', '!=', sourceId)
    .execute();
  for (const { quantity, storeId } of wanted) {
    const owner = others.find(
      (row) =>
        row.quantity === quantityColumn[quantity] &&
        (row.location_id === storeId || row.location_id === everywhere || storeId === everywhere),
    );
    if (owner !== undefined) return ownedByOther(quantity, storeId, owner);
  }
  await tx
    .deleteFrom('source_ownership')
    .where('merchant_id', '=', merchantId)
    .where('source_id', '=', sourceId)
    .execute();
  const rows = new Map(
    wanted.map(({ quantity, storeId }) => [
      placeId(quantity, storeId),
      {
        merchant_id: merchantId,
        quantity: quantityColumn[quantity],
        location_id: storeId,
        source_id: sourceId,
      },
    ]),
  );
  if (rows.size > 0)
    await tx
      .insertInto('source_ownership')
      .values([...rows.values()])
      .execute();
  return undefined;
}

function ownedByOther(quantity: string, storeId: string, owner: OwnershipRow): Refusal {
  const place = storeId === everywhere ? owner.location_id : storeId;
  return refuse('SOURCE.OWNED_BY_OTHER', `${quantity} belongs to another source already.`, {
    quantity,
    storeId: place === everywhere ? null : place,
    sourceId: owner.source_id,
  });
}

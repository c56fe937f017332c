/** A line's units: held as open orders, or taken from on hand. */
export type Units = { readonly held: number; readonly sold: number };

/**
 * What a line comes to: units that are wanted for an order in this state, given what was applied
 * before and what is on hand.
 *
 * An order of a channel is a fact: it has been sold there. So nothing is refused; what on hand does
 * not have is held as open orders, and the level is oversold. Units given back come out of what is
 * held first.
 * @param wanted 0 …
 * @param onHand of the level, with what other lines did to it
 */
export function planUnits(
  status: 'pending' | 'confirmed' | 'cancelled',
  wanted: number,
  applied: Units,
  onHand: number,
): Units {
  if (status === 'cancelled' || wanted === 0) return { held: 0, sold: 0 };
  if (status === 'pending') return { held: wanted, sold: 0 };
  const sold = Math.min(wanted, applied.sold + Math.max(onHand, 0));
  return { held: wanted - sold, sold };
}

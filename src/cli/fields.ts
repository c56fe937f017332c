import { maxQuantity } from '../stock/index.ts';

const control = /\p{Cc}/u;

/** Whether a text can be a SKU or the id of a store: as over HTTP. */
export function isId(text: string): boolean {
  const isPlain = text !== '' && text !== '.' && text !== '..' && !control.test(text);
  return isPlain && text.isWellFormed() && Array.from(text).length <= 128;
}

/** A whole number within what a quantity can be, or undefined. */
export function parseUnits(text: string): number | undefined {
  if (!/^[+-]?\d{1,10}$/.test(text)) return undefined;
  const units = Number(text);
  return Math.abs(units) <= maxQuantity ? units : undefined;
}

/** The positions of columns by any of their names; case, spaces, `_` and `-` do not matter. */
export function columnOf(header: readonly string[], names: readonly string[]): number | undefined {
  const wanted = new Set(names.map(plain));
  const index = header.findIndex((name) => wanted.has(plain(name)));
  return index < 0 ? undefined : index;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '');
}

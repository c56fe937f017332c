import { stripVTControlCharacters, styleText } from 'node:util';
import type { Picture, ShownPicture, VendorPicture } from './picture.ts';
import { shelf, stores } from './shelf.ts';

const skuWidth = 8;
const nameWidth = 22;
const figureWidth = 8;
const lagWidth = 10;
const border = ' |';

type Column = { readonly storeId: string; readonly vendors: readonly VendorPicture[] };

/**
 * One row for each SKU: what each store has, and what the vendors show that sell it.
 * @param columns of the window: where there is no room for them, names are left out
 */
export function drawTable({ levels, vendors }: Picture, columns: number): readonly string[] {
  const groups = stores.map(({ storeId }): Column => {
    return { storeId, vendors: vendors.filter((vendor) => vendor.storeId === storeId) };
  });
  const figures = groups.map(widthOfGroup).reduce((sum, width) => sum + width + border.length);
  const isWide = columns >= skuWidth + nameWidth + figures + lagWidth;
  const start = (sku: string, name: string): string => {
    return `${sku.padEnd(skuWidth)}${isWide ? name.padEnd(nameWidth) : ''}`;
  };
  const above = groups.map((group) => right(group.storeId, widthOfGroup(group)));
  const heads = groups.map((group) => {
    const kinds = group.vendors.map(({ kind }) => right(kind, widthOfVendor(kind)));
    return [right('on hand', figureWidth), right('avail', figureWidth), ...kinds].join('');
  });
  const rows = shelf.map(({ sku, name }) => {
    const cells = groups.map((group) => {
      const level = levels.get(`${group.storeId} ${sku}`);
      const ours = [level?.onHand, level?.available].map((figure) => {
        return right(String(figure ?? '-'), figureWidth);
      });
      return [...ours, ...group.vendors.map((vendor) => shownCell(vendor, sku))].join('');
    });
    const lagMs = Math.max(0, ...vendors.map(({ shown }) => shown.get(sku)?.lagMs ?? 0));
    const lag = right(lagMs === 0 ? '-' : `${Math.round(lagMs)} ms`, lagWidth);
    return `${start(sku, name)}${cells.join(border)}${lag}`;
  });
  return [
    styleText('bold', `${start('', '')}${above.join(border)}`),
    styleText('bold', `${start('SKU', '')}${heads.join(border)}${right('lag', lagWidth)}`),
    ...rows,
  ];
}

function widthOfGroup({ vendors }: Column): number {
  return vendors.reduce((sum, { kind }) => sum + widthOfVendor(kind), 2 * figureWidth);
}

function widthOfVendor(kind: string): number {
  return Math.max(kind.length + 2, figureWidth);
}

/** What a vendor shows; marked while it is another figure than ours. */
function shownCell({ kind, shown }: VendorPicture, sku: string): string {
  const found: ShownPicture | undefined = shown.get(sku);
  const text = right(String(found?.quantity ?? '-'), widthOfVendor(kind));
  return found?.isRight === true ? styleText('green', text) : styleText(['yellow', 'bold'], text);
}

function right(text: string, width: number): string {
  return text.padStart(width);
}

/** A line that fits the window: what would wrap is cut, and its colours are given up. */
export function fit(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : plain.slice(0, columns);
}

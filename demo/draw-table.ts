import { stripVTControlCharacters, styleText } from 'node:util';
import type { Picture, ShownPicture, VendorPicture } from './picture.ts';
import { shelf, stores } from './shelf.ts';

const nameWidth = 22;
const skuWidth = 8;
const figureWidth = 10;
const lagWidth = 10;

/** One row for each SKU: what each store has, and what the vendors show that sell it. */
export function drawTable({ levels, vendors }: Picture): readonly string[] {
  const columns = stores.map(({ storeId }) => ({
    storeId,
    vendors: vendors.filter((vendor) => vendor.storeId === storeId),
  }));
  const headings = columns.map((column) => {
    const names = [column.storeId, 'available'].map((name) => right(name, figureWidth));
    const kinds = column.vendors.map(({ kind }) => right(kind, widthOf(kind)));
    return [...names, ...kinds].join('');
  });
  const rows = shelf.map(({ sku, name }) => {
    const cells = columns.map((column) => {
      const level = levels.get(`${column.storeId} ${sku}`);
      const figures = [level?.onHand, level?.available].map((figure) => {
        return right(String(figure ?? '-'), figureWidth);
      });
      const shown = column.vendors.map((vendor) => shownCell(vendor, vendor.shown.get(sku)));
      return [...figures, ...shown].join('');
    });
    const lagMs = Math.max(0, ...vendors.map(({ shown }) => shown.get(sku)?.lagMs ?? 0));
    const lag = right(lagMs === 0 ? '-' : `${Math.round(lagMs)} ms`, lagWidth);
    return `${sku.padEnd(skuWidth)}${name.padEnd(nameWidth)}${cells.join(' |')}${lag}`;
  });
  const head = `${'SKU'.padEnd(skuWidth)}${''.padEnd(nameWidth)}${headings.join(' |')}`;
  return [styleText('bold', `${head}${right('lag', lagWidth)}`), ...rows];
}

function widthOf(kind: string): number {
  return Math.max(kind.length + 2, figureWidth);
}

/** What a vendor shows; marked while it is another figure than ours. */
function shownCell({ kind }: VendorPicture, shown: ShownPicture | undefined): string {
  const text = right(String(shown?.quantity ?? '-'), widthOf(kind));
  return shown?.isRight === true ? styleText('green', text) : styleText(['yellow', 'bold'], text);
}

function right(text: string, width: number): string {
  return text.padStart(width);
}

/** A line that fits the window: what would wrap is cut, and its colours are given up. */
export function fit(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : plain.slice(0, columns);
}

import type { EmulatedAnswer } from '../emulator.ts';
import type { EmulatedProduct, StoreState } from './state.ts';

/** An error as WordPress words it. */
export function errorAnswer(status: number, code: string, message: string): EmulatedAnswer {
  return { status, body: { code, message, data: { status } } };
}

/** A product as the API shows it: the members that tell of stock. */
export function bodyOf(
  product: EmulatedProduct,
  { managesStock, products }: StoreState,
): Record<string, unknown> {
  const parent = products[String(product.parentId)];
  const isManaged = managesStock && product.manageStock;
  const isParents = managesStock && !isManaged && parent?.manageStock === true;
  const quantity = isParents ? parent.stockQuantity : product.stockQuantity;
  return {
    id: product.id,
    name: product.name,
    sku: product.sku,
    type: product.type,
    parent_id: product.parentId,
    date_modified_gmt: product.modifiedAt,
    manage_stock: isParents ? 'parent' : isManaged,
    stock_quantity: isManaged || isParents ? quantity : null,
    stock_status: (quantity ?? 1) > 0 ? 'instock' : 'outofstock',
  };
}

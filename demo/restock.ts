import type { Api } from './api.ts';
import type { Picture } from './picture.ts';
import { lowStock, receiptUnits } from './shelf.ts';

/** Takes goods in where little is left. @returns how many receipts that were */
export async function restock(api: Api, { levels }: Picture): Promise<number> {
  const low = [...levels.values()].filter(({ available }) => available < lowStock);
  await Promise.all(
    low.map(({ storeId, sku }) =>
      api.need('POST', `/api/inventory/stores/${storeId}/inventory/${sku}/adjust`, {
        delta: receiptUnits,
        reason: 'receipt',
      }),
    ),
  );
  return low.length;
}

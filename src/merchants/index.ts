export { createKey, ensureAdminKey, findKeyHolder, listKeys, revokeKey } from './keys.ts';
export type { KeyHolder, KeyView } from './keys.ts';
export { defaultMerchantId, listMerchants, merchantExists, putMerchant } from './merchants.ts';
export type { MerchantView } from './merchants.ts';
export type { ApiKeyTable, KeyRole, MerchantTable } from './tables.ts';

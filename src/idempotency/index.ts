export { claimKey, deleteExpiredKeys, dropClaim, keepAnswer } from './claim.ts';
export type { Claim, ClaimRequest } from './claim.ts';
export { fingerprint } from './fingerprint.ts';
export { judgeKey } from './judge-key.ts';
export type { RememberedAnswer } from './judge-key.ts';
export type { IdempotencyKeyTable } from './tables.ts';
